"""The conformance kit, scenario by scenario: brokers of spot and of swaps, feeds of bars and of trades."""

from __future__ import annotations

import asyncio

import pytest

from ml4t.live.testing.conformance import Outcome, check_broker, check_feed
from ml4t.live.testing.conformance.broker import BROKER_SCENARIOS
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS
from ml4t_live_okx.rig import BROKER_EXEMPT, FEED_EXEMPT, bars_rig, spot_rig, swap_rig, trades_rig


@pytest.mark.parametrize("scenario", [each.name for each in BROKER_SCENARIOS])
@pytest.mark.parametrize("rig", [spot_rig, swap_rig])
def test_broker(scenario, rig):
    lacking = {"a_short_position_is_negative"} if rig is spot_rig else set()
    check(asyncio.run(check_broker(rig, only=scenario)), scenario, BROKER_EXEMPT, lacking)


@pytest.mark.parametrize("scenario", [each.name for each in FEED_SCENARIOS])
@pytest.mark.parametrize("rig", [bars_rig, trades_rig])
def test_feed(scenario, rig):
    check(asyncio.run(check_feed(rig, only=scenario)), scenario, FEED_EXEMPT, set())


def check(report, scenario, exempt, lacking):
    report.raise_if_failed()
    others = {**dict.fromkeys(exempt, Outcome.EXEMPT), **dict.fromkeys(lacking, Outcome.NOT_DECLARED)}
    assert report[scenario].outcome is others.get(scenario, Outcome.PASSED)
