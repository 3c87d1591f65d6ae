"""A toy feed on the polling base passes the whole kit, over loopback HTTP, and wrong ones are found."""

from __future__ import annotations

import asyncio

import pytest
from polling_kit import polled
from wrong_polling import WRONG

from ml4t.live.testing.conformance import Outcome, check_feed
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS, POLLED_SCENARIOS


@pytest.mark.parametrize("scenario", [each.name for each in (*FEED_SCENARIOS, *POLLED_SCENARIOS)])
def test_a_polling_feed_conforms(scenario):
    report = asyncio.run(check_feed(polled(), only=scenario))
    report.raise_if_failed()
    assert report[scenario].outcome is Outcome.PASSED


@pytest.fixture(scope="module")
def found():
    """What became of every wrong feed; they wait for deadlines, and wait together."""

    async def all_of_them():
        reports = await asyncio.gather(*(check_feed(polled(kind), only=name) for kind, name in WRONG.items()))
        return {kind: report.results[0] for kind, report in zip(WRONG, reports, strict=True)}

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_polling_feed_is_found(kind, found):
    assert found[kind].outcome is Outcome.FAILED, f"{WRONG[kind]} does not notice {kind.__name__}"


def test_every_scenario_about_polling_finds_something():
    assert {each.name for each in POLLED_SCENARIOS} == set(WRONG.values())
