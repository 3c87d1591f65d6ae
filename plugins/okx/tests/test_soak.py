"""Orders and data while the line and the venue fail: `make soak` runs a hundred times as many."""

from __future__ import annotations

import asyncio

from ml4t.live.testing.soak import SoakPlan, soak
from ml4t_live_okx.rig import soak_rig


def test_nothing_is_lost_or_doubled_or_untold_while_everything_fails():
    report = asyncio.run(
        soak(soak_rig, SoakPlan(orders=300, messages=6_000, seed=3, quiet_seconds=0.5, speed=5.0, memory=False))
    )
    assert not report.problems, str(report)
    assert report.fills > 100
    assert len(report.recoveries) >= 3
