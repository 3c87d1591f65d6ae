"""The conformance kit for feeds: right feeds pass whole, and each wrong one is found, by name."""

from __future__ import annotations

import asyncio

import pytest
from toy_feed import ToyFeed, ToyFeedWithHistory, maker
from wrong_feeds import WRONG

from ml4t.live.testing.conformance import Outcome, check_feed
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS


def run(kind=ToyFeedWithHistory, only=None, **exempt):
    return asyncio.run(check_feed(maker(kind, **exempt), only=only))


def is_alone(scenario):
    """True for scenarios that look at the whole process: they are tried one at a time."""
    return scenario.startswith(("no_secret", "nothing_is_left", "a_cancel_in"))


@pytest.mark.parametrize("scenario", [each.name for each in FEED_SCENARIOS])
@pytest.mark.parametrize("kind", [ToyFeedWithHistory, ToyFeed])
def test_a_right_feed_passes(scenario, kind):
    report = run(kind, scenario)
    report.raise_if_failed()
    declared = kind is ToyFeedWithHistory or scenario != "a_backfill_is_exactly_what_happened"
    assert report[scenario].outcome is (Outcome.PASSED if declared else Outcome.NOT_DECLARED)


@pytest.fixture(scope="module")
def found():
    """What every wrong feed's scenarios came to; they wait for deadlines, and wait together."""
    wanted = [(kind, name) for kind, names in WRONG.items() for name in names if not is_alone(name)]

    async def all_of_them():
        reports = await asyncio.gather(*(check_feed(maker(kind), only=name) for kind, name in wanted))
        return {pair: report[pair[1]] for pair, report in zip(wanted, reports, strict=True)}

    return asyncio.run(all_of_them())


@pytest.mark.parametrize(
    ("kind", "scenario"),
    [pytest.param(kind, name, id=f"{kind.__name__}-{name}") for kind, names in WRONG.items() for name in names],
)
def test_a_wrong_feed_is_found(kind, scenario, found):
    result = run(kind, only=scenario)[scenario] if is_alone(scenario) else found[kind, scenario]
    assert result.outcome is Outcome.FAILED, f"{scenario} does not notice {kind.__name__}"
    assert result.reason


def test_every_scenario_finds_something():
    assert {each.name for each in FEED_SCENARIOS} == {name for names in WRONG.values() for name in names}
