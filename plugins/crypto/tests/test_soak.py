"""Orders and data while the line and the venue fail, at both exchanges; by hand a hundred times as many are run."""

from __future__ import annotations

import asyncio

import pytest
from crypto_kit import okx_soak

from ml4t.live.testing.soak import SoakPlan, soak
from ml4t_live_crypto.rig import binance_soak


@pytest.mark.parametrize("maker", [okx_soak, binance_soak])
def test_nothing_is_lost_or_doubled_or_untold_while_everything_fails(maker):
    plan = SoakPlan(orders=150, messages=3_000, seed=3, quiet_seconds=0.5, speed=5.0, memory=False)
    report = asyncio.run(soak(maker, plan))
    assert not report.problems, str(report)
    assert report.fills > 50
    assert len(report.recoveries) >= 2
