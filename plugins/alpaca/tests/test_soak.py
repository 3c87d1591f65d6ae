"""Orders and data while the line and the venue fail: `make soak` runs a hundred times as many."""

from __future__ import annotations

import asyncio

from ml4t.live.testing.soak import SoakPlan, soak
from ml4t_live_alpaca.rig import trades_rig


def test_nothing_is_lost_or_doubled_or_untold_while_everything_fails():
    report = asyncio.run(soak(trades_rig, SoakPlan(orders=300, messages=6_000, quiet_seconds=0.3, speed=5.0, memory=False)))
    assert not report.problems, str(report)
    assert report.fills > 40
    assert report.recoveries
