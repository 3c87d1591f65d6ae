"""When a trigger fires, and what it says."""

from __future__ import annotations

import tempfile
from math import isfinite
from numbers import Real
from pathlib import Path

from ml4t.live.config.settings import EngineSettings
from ml4t.live.contracts.observer import RuntimeEvent
from ml4t.live.engine.firings import TriggerSpec
from ml4t.live.engine.live import LiveEngine
from ml4t.live.model import Firing
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.trigger.needs import events, expected, expected_events, story
from ml4t.live.testing.conformance.trigger.rig import TriggerRig
from ml4t.live.testing.conformance.trigger.telling import Fired, again, tell
from ml4t.live.testing.feeds import ListFeed

REPEATS = 10


@scenario(expected)
async def it_fires_once_per_condition(rig: TriggerRig) -> None:
    """It fires at every event of the story that completes its condition, and at no other."""
    places, wanted = [place for place, _ in tell(rig.trigger(), rig.story)], sorted(rig.fires_at or ())
    if places != wanted:
        raise NotConformant(f"it fires at the events {places} of the story, and has to at {wanted}")


@scenario(expected_events)
async def it_is_silent_while_the_condition_lasts(rig: TriggerRig) -> None:
    """When an event has made it fire, the same event over and over does not make it fire again."""
    for place in dict.fromkeys(rig.fires_at or ()):
        completing = rig.story[place]
        assert not isinstance(completing, Firing)
        told = [*rig.story[: place + 1], *again(completing, REPEATS)]
        if further := [each for each, _ in tell(rig.trigger(), told) if each > place]:
            raise NotConformant(
                f"it fired at event {place}, and fires again {further[0] - place} events later although nothing has changed"
            )


@scenario(story)
async def a_firing_says_why(rig: TriggerRig) -> None:
    """A firing has a reason in words, finite numbers, and its own symbol or none; who and when is stamped by the engine."""
    known = {each.symbol for each in rig.story} | {""}
    for place, firing in tell(rig.trigger(), rig.story):
        if len(firing.reason.split()) < 2:
            raise NotConformant(f"the firing at event {place} says {firing.reason!r}, which tells a user nothing")
        if firing.symbol not in known:
            raise NotConformant(f"the firing at event {place} is for {firing.symbol!r}, and the story is about {sorted(known)}")
        for name, value in firing.values.items():
            if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value):
                raise NotConformant(f"{name!r} of the firing at event {place} is {value!r}, which is no finite number")
        if firing.trigger or firing.time or firing.firing_id:
            raise NotConformant(f"the firing at event {place} names its trigger, time or id itself; leave them to the engine")


@scenario(events)
async def within_a_cooldown_it_fires_once(rig: TriggerRig) -> None:
    """In the engine, with a cooldown longer than the story, it happens once; the rest is recorded as suppressed."""
    alone = tell(rig.trigger(), rig.story)
    happened, suppressed = await _in_the_engine(rig)
    wanted = (min(1, len(alone)), max(0, len(_moments(rig, alone)) - 1))
    if (len(happened), len(suppressed)) != wanted:
        raise NotConformant(
            f"with a cooldown over the whole story it happens {len(happened)} times and is held back {len(suppressed)} times, "
            f"instead of {wanted[0]} and {wanted[1]}: {[*happened, *suppressed][:4]}"
        )


def _moments(rig: TriggerRig, fired: Fired) -> set[tuple[str, int]]:
    """Return the symbols and moments of firings: of one moment the engine takes one."""
    return {(rig.story[place].symbol, getattr(rig.story[place], "event_time", 0)) for place, _ in fired}


async def _in_the_engine(rig: TriggerRig) -> tuple[list[str], list[str]]:
    """Run the story through the real engine; return the subjects of what happened, and of what was suppressed."""
    ear = _Ear()
    told = [each for each in rig.story if not isinstance(each, Firing)]
    spec = TriggerSpec("tried", rig.trigger(), cooldown=2**62)
    with tempfile.TemporaryDirectory() as folder:
        engine = LiveEngine(
            None,
            None,
            ListFeed(told),
            triggers=[spec],
            observers=[("ear", ear)],
            state_dir=Path(folder),
            settings=EngineSettings(durability="none"),
        )
        await engine.run()
    return ear.heard["firing"], ear.heard["suppressed"]


class _Ear:
    kinds = ("firing", "suppressed", "error")

    def __init__(self) -> None:
        self.heard: dict[str, list[str]] = {kind: [] for kind in self.kinds}

    async def on_event(self, event: RuntimeEvent) -> None:
        """Note what it is about."""
        self.heard[event.kind].append(event.subject)
