"""The conformance kit, scenario by scenario."""

from __future__ import annotations

import asyncio

import pytest
from crypto_rig import BARS_EXEMPT, FEED_EXEMPT, okx_bars_rig, okx_trades_rig

from ml4t.live.testing.conformance import Outcome, check_feed
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS

FEEDS = {okx_trades_rig: FEED_EXEMPT, okx_bars_rig: BARS_EXEMPT}


@pytest.mark.parametrize("scenario", [each.name for each in FEED_SCENARIOS])
@pytest.mark.parametrize("rig", FEEDS)
def test_feed(scenario, rig):
    check(asyncio.run(check_feed(rig, only=scenario)), scenario, FEEDS[rig], set())


def check(report, scenario, exempt, lacking):
    report.raise_if_failed()
    others = {**dict.fromkeys(exempt, Outcome.EXEMPT), **dict.fromkeys(lacking, Outcome.NOT_DECLARED)}
    assert report[scenario].outcome is others.get(scenario, Outcome.PASSED)
