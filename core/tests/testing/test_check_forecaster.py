"""The conformance kit for forecasters: right ones pass whole, and each wrong one is found, by name."""

from __future__ import annotations

import asyncio

import pytest
from wrong_forecasters import WRONG, Critic, Last, Thinker

from ml4t.live.testing import ForecasterRig, check_forecaster
from ml4t.live.testing.conformance import Outcome
from ml4t.live.testing.conformance.forecaster import FORECASTER_SCENARIOS


def run(kind, only=None, **rest):
    rest = {"history": 30, "budget_seconds": 1.0} | rest
    return asyncio.run(check_forecaster(lambda: ForecasterRig(forecaster=kind, **rest), only=only))


@pytest.mark.parametrize("kind", [Last, Thinker, Critic])
def test_a_right_forecaster_passes(kind):
    run(kind, budget_seconds=30.0).raise_if_failed()


def test_every_scenario_is_about_one_of_them():
    assert set(run(Thinker, budget_seconds=30.0).passed) == {each.name for each in FORECASTER_SCENARIOS}
    assert run(Last, "a_cancel_ends_it")["a_cancel_ends_it"].outcome is Outcome.NOT_DECLARED


@pytest.mark.parametrize(
    ("kind", "scenario"),
    [pytest.param(kind, name, id=f"{kind.__name__}-{name}") for kind, names in WRONG.items() for name in names],
)
def test_a_wrong_forecaster_is_found(kind, scenario):
    result = run(kind, only=scenario)[scenario]
    assert result.outcome is Outcome.FAILED, f"{scenario} does not notice {kind.__name__}"
    assert result.reason


def test_every_scenario_finds_something():
    assert {each.name for each in FORECASTER_SCENARIOS} == {name for names in WRONG.values() for name in names}


def test_a_forecaster_is_given_what_it_needs_besides_prices():
    class Follows(Last):
        def say(self, symbol, request):
            return super().say(symbol, request) if request.weights.get("other") else None

    assert run(Follows, "it_has_something_to_say").failed
    run(Follows, "it_has_something_to_say", known=lambda _: {"weights": {"other": 1.0}}).raise_if_failed()
