"""The conformance kit, scenario by scenario: a broker, a feed of bars and one of trades."""

from __future__ import annotations

import asyncio

import pytest

from ml4t.live.testing.conformance import Outcome, check_broker, check_feed
from ml4t.live.testing.conformance.broker import BROKER_SCENARIOS
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS
from ml4t_live_alpaca.rig import bars_rig, broker_rig, trades_rig

EXEMPT = {"a_late_fee_completes_the_execution"}
"""What no adapter for Alpaca can pass; the rig says why."""


@pytest.mark.parametrize("scenario", [each.name for each in BROKER_SCENARIOS])
def test_broker(scenario):
    check(asyncio.run(check_broker(broker_rig, only=scenario)), scenario)


@pytest.mark.parametrize("scenario", [each.name for each in FEED_SCENARIOS])
@pytest.mark.parametrize("rig", [bars_rig, trades_rig])
def test_feed(scenario, rig):
    check(asyncio.run(check_feed(rig, only=scenario)), scenario)


def check(report, scenario):
    report.raise_if_failed()
    assert report[scenario].outcome is (Outcome.EXEMPT if scenario in EXEMPT else Outcome.PASSED)
