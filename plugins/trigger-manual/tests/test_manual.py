"""Who may fire it, and for what."""

from __future__ import annotations

import pytest

from ml4t.live.contracts import EventTrigger, ManualTrigger, TimeTrigger
from ml4t.live.model import Firing
from ml4t_live_trigger_manual.config import ManualConfig
from ml4t_live_trigger_manual.trigger import Manual


def test_a_command_is_a_firing_that_says_who_and_why():
    assert Manual(ManualConfig()).on_command("AAPL", "earnings", "ann") == Firing("ann: earnings", "AAPL")


def test_others_are_refused_by_name():
    trigger = Manual(ManualConfig(people=["ann", "bob"]))
    assert trigger.on_command("", "now", "bob").reason == "bob: now"
    with pytest.raises(ValueError, match="eve may not fire this trigger; ann, bob may"):
        trigger.on_command("", "now", "eve")


def test_a_symbol_can_be_asked_for():
    trigger = Manual(ManualConfig(needs_symbol=True))
    with pytest.raises(ValueError, match="--symbol AAPL"):
        trigger.on_command("", "now", "ann")
    assert trigger.on_command("AAPL", "now", "ann").symbol == "AAPL"


def test_it_never_fires_by_itself():
    trigger = Manual(ManualConfig())
    assert isinstance(trigger, ManualTrigger)
    assert not isinstance(trigger, EventTrigger | TimeTrigger)
