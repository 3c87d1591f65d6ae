"""Trades while the line and the gateway fail: `make soak` runs fifty times as many."""

from __future__ import annotations

import asyncio

from ml4t.live.testing.soak import SoakPlan, soak
from ml4t_live_databento.rig import trades_rig


def test_nothing_is_lost_or_doubled_or_untold_while_everything_fails():
    report = asyncio.run(soak(trades_rig, SoakPlan(messages=8_000, quiet_seconds=0.3, memory=False)))
    assert not report.problems, str(report)
    assert report.recoveries
    assert report.gaps
    assert not report.missed
