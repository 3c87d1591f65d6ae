"""Trades while the line and the gateway fail: `data_soak.py` runs any number of them by hand."""

from __future__ import annotations

import asyncio

from data_soak import soak


def test_nothing_is_lost_or_doubled_or_untold_while_everything_fails():
    report = asyncio.run(soak(4_000, quiet_seconds=0.3))
    assert not report.problems
    assert report.faults
    assert report.gaps
    assert report.held < 1_000_000  # what a connection and the last replay have, and no more with every connection
