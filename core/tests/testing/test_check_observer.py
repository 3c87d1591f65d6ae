"""The conformance kit for observers: right ones pass whole, and each wrong one is found, by name."""

from __future__ import annotations

import asyncio

import pytest
from wrong_observers import WRONG, Listens, Sends, rig_of

from ml4t.live.safe import _OrderNews
from ml4t.live.testing import check_observer
from ml4t.live.testing.conformance import Outcome
from ml4t.live.testing.conformance.observer import OBSERVER_SCENARIOS


def run(kind, only=None, **rest):
    return asyncio.run(check_observer(lambda: rig_of(kind, **rest), only=only))


@pytest.mark.parametrize("kind", [Listens, Sends, _OrderNews])
def test_a_right_observer_passes(kind):
    run(kind, patience=5.0).raise_if_failed()


def test_every_scenario_is_about_one_of_them():
    assert set(run(Sends).passed) == {each.name for each in OBSERVER_SCENARIOS}
    report = run(Listens, "a_destination_that_does_not_answer_does_not_hold_it")
    assert report.results[0].outcome is Outcome.NOT_DECLARED


@pytest.mark.parametrize(
    ("kind", "scenario"),
    [pytest.param(kind, name, id=f"{kind.__name__}-{name}") for kind, names in WRONG.items() for name in names],
)
def test_a_wrong_observer_is_found(kind, scenario):
    result = run(kind, only=scenario)[scenario]
    assert result.outcome is Outcome.FAILED, f"{scenario} does not notice {kind.__name__}"
    assert result.reason


def test_every_scenario_finds_something():
    assert {each.name for each in OBSERVER_SCENARIOS} == {name for names in WRONG.values() for name in names}
