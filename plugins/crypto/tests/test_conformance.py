"""The conformance kit, scenario by scenario."""

from __future__ import annotations

import asyncio

import pytest
from crypto_rig import BARS_EXEMPT, BROKER_EXEMPT, FEED_EXEMPT, okx_bars_rig, okx_spot_rig, okx_swap_rig, okx_trades_rig

from ml4t.live.testing.conformance import Outcome, check_broker, check_feed
from ml4t.live.testing.conformance.broker import BROKER_SCENARIOS
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS

LINKED = {
    "a_bracket_is_three_orders_that_end_together",
    "a_cancel_of_an_entry_ends_its_bracket",
    "of_a_pair_one_order_cancels_the_other",
}
STOPS = {"a_stop_order_waits_for_its_price", "a_stop_limit_order_waits_for_its_price"}
"""What OKX takes at another place (algo orders)."""
SHORTS = {"a_short_position_is_negative"}
BROKERS = {okx_spot_rig: LINKED | STOPS | SHORTS, okx_swap_rig: LINKED | STOPS}
"""By the rig, what is not declared."""
FEEDS = {okx_trades_rig: FEED_EXEMPT, okx_bars_rig: BARS_EXEMPT}


@pytest.mark.parametrize("scenario", [each.name for each in BROKER_SCENARIOS])
@pytest.mark.parametrize("rig", BROKERS)
def test_broker(scenario, rig):
    check(asyncio.run(check_broker(rig, only=scenario)), scenario, BROKER_EXEMPT, BROKERS[rig])


@pytest.mark.parametrize("scenario", [each.name for each in FEED_SCENARIOS])
@pytest.mark.parametrize("rig", FEEDS)
def test_feed(scenario, rig):
    check(asyncio.run(check_feed(rig, only=scenario)), scenario, FEEDS[rig], set())


def check(report, scenario, exempt, lacking):
    report.raise_if_failed()
    others = {**dict.fromkeys(exempt, Outcome.EXEMPT), **dict.fromkeys(lacking, Outcome.NOT_DECLARED)}
    assert report[scenario].outcome is others.get(scenario, Outcome.PASSED)
