"""The conformance kit for triggers: right ones pass whole, and each wrong one is found, by name."""

from __future__ import annotations

import asyncio

import pytest
import wrong_triggers
from wrong_triggers import (
    WRONG,
    WRONG_COMMANDS,
    WRONG_COMPOUNDS,
    WRONG_MOMENTS,
    Above,
    AThenB,
    ByHand,
    Hourly,
    Once,
    rig_of,
)

from ml4t.live.testing import check_trigger
from ml4t.live.testing.conformance import Outcome
from ml4t.live.testing.conformance.trigger import TRIGGER_SCENARIOS

ALL_WRONG = {**WRONG, **WRONG_MOMENTS, **WRONG_COMMANDS, **WRONG_COMPOUNDS}


def run(kind, only=None, **rest):
    return asyncio.run(check_trigger(lambda: rig_of(kind, **rest), only=only))


@pytest.mark.parametrize("kind", [Above, Hourly, Once, ByHand, AThenB])
def test_a_right_trigger_passes(kind):
    report = run(kind)
    report.raise_if_failed()
    assert report.passed
    assert not report.of(Outcome.EXEMPT)


def test_every_scenario_is_about_one_of_them():
    passed = {name for kind in (Above, Hourly, ByHand, AThenB) for name in run(kind).passed}
    assert passed == {each.name for each in TRIGGER_SCENARIOS}


@pytest.mark.parametrize(
    ("kind", "scenario"),
    [pytest.param(kind, name, id=f"{kind.__name__}-{name}") for kind, names in ALL_WRONG.items() for name in names],
)
def test_a_wrong_trigger_is_found(kind, scenario):
    result = run(kind, only=scenario)[scenario]
    assert result.outcome is Outcome.FAILED, f"{scenario} does not notice {kind.__name__}"
    assert result.reason


def test_every_scenario_finds_something():
    assert {each.name for each in TRIGGER_SCENARIOS} == {name for names in ALL_WRONG.values() for name in names}


def test_without_a_story_only_what_needs_none_is_tried():
    report = run(Above, story=(), fires_at=None)
    assert report.passed == ("it_is_one_sort_of_trigger",)
    assert report["a_restart_changes_nothing"].reason == "the rig tells no story"
    assert run(Above, fires_at=None)["it_fires_once_per_condition"].outcome is Outcome.NOT_DECLARED


def test_a_story_that_cannot_be_is_said_to_be_one():
    early = wrong_triggers.STORY[0]
    report = run(Above, "it_fires_once_per_condition", story=[*wrong_triggers.STORY, early])
    assert "the market state refuses its event 15" in report["it_fires_once_per_condition"].reason
