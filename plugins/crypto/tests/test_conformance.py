"""The conformance kit, scenario by scenario, at two exchanges whose protocols have little in common."""

from __future__ import annotations

import asyncio

import pytest
from crypto_kit import okx

from ml4t.live.testing.conformance import Outcome, check_broker, check_feed
from ml4t.live.testing.conformance.broker import BROKER_SCENARIOS
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS
from ml4t_live_crypto.rig import BROKER_EXEMPT, FEED_EXEMPT, SPOT, SWAPS, binance, rig

LINKED = {
    "a_bracket_is_three_orders_that_end_together",
    "a_cancel_of_an_entry_ends_its_bracket",
    "of_a_pair_one_order_cancels_the_other",
}
STOPS = {"a_stop_order_waits_for_its_price", "a_stop_limit_order_waits_for_its_price"}
"""What OKX takes at another place (algo orders)."""
SHORTS = {"a_short_position_is_negative"}
AMENDS = {name for name in (each.name for each in BROKER_SCENARIOS) if "replace" in name or "amend" in name}
BROKERS = {
    "okx spot": (rig(okx, SPOT, BROKER_EXEMPT), LINKED | STOPS | SHORTS),
    "okx swap": (rig(okx, SWAPS, BROKER_EXEMPT), LINKED | STOPS),
    "binance spot": (rig(binance, SPOT, BROKER_EXEMPT), LINKED | SHORTS | AMENDS),
}
"""With what is not declared."""
FEEDS = {
    "okx trades": (rig(okx, SWAPS, FEED_EXEMPT), FEED_EXEMPT),
    "okx bars": (rig(okx, SPOT, FEED_EXEMPT, "bars"), FEED_EXEMPT),
    "binance trades": (rig(binance, SPOT, FEED_EXEMPT), FEED_EXEMPT),
    "binance bars": (rig(binance, SPOT, FEED_EXEMPT, "bars"), FEED_EXEMPT),
}


@pytest.mark.parametrize("scenario", [each.name for each in BROKER_SCENARIOS])
@pytest.mark.parametrize("kind", BROKERS)
def test_broker(scenario, kind):
    maker, lacking = BROKERS[kind]
    check(asyncio.run(check_broker(maker, only=scenario)), scenario, BROKER_EXEMPT, lacking)


@pytest.mark.parametrize("scenario", [each.name for each in FEED_SCENARIOS])
@pytest.mark.parametrize("kind", FEEDS)
def test_feed(scenario, kind):
    maker, exempt = FEEDS[kind]
    check(asyncio.run(check_feed(maker, only=scenario)), scenario, exempt, set())


def check(report, scenario, exempt, lacking):
    report.raise_if_failed()
    others = {**dict.fromkeys(exempt, Outcome.EXEMPT), **dict.fromkeys(lacking, Outcome.NOT_DECLARED)}
    assert report[scenario].outcome is others.get(scenario, Outcome.PASSED)
