"""Triggers that know their moments beforehand, and those that somebody fires."""

from __future__ import annotations

from collections.abc import Callable

from ml4t.live.contracts.trigger import CompoundTrigger, EventTrigger, ManualTrigger, TimeTrigger
from ml4t.live.model import Firing
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.trigger.needs import commands, moments
from ml4t.live.testing.conformance.trigger.rig import TriggerRig
from ml4t.live.testing.conformance.watching import Act, watched
from ml4t.live.times import NANOS, to_datetime

WALK = 60
"""Moments of a trigger that are walked through."""
STRIDE = 20 * 3_600 * NANOS + 1_234_567_891
"""Between questions over a year and more: no fraction of a day."""
QUESTIONS = 450

Next = Callable[[int], int | None]


@scenario()
async def it_is_one_sort_of_trigger(rig: TriggerRig) -> None:
    """It looks at events, knows its moments, listens to others, or is fired by hand: one of them."""
    trigger = rig.trigger()
    sorts = [each.__name__ for each in (EventTrigger, TimeTrigger, CompoundTrigger, ManualTrigger) if isinstance(trigger, each)]
    if len(sorts) != 1:
        raise NotConformant(
            f"it is {' and '.join(sorts) or 'no trigger'}; give it one of `on_event`, `next_time`, `of` with `on_firing`, "
            "and `on_command`"
        )


@scenario(moments)
async def the_next_moment_is_later(rig: TriggerRig) -> None:
    """Asked for over a year, its next moment is always a later one, or there is none any more."""
    next_time = _next_time(rig)
    for number in range(QUESTIONS):
        after = rig.start + number * STRIDE
        moment = next_time(after)
        if moment is not None and (isinstance(moment, bool) or not isinstance(moment, int) or moment <= after):
            raise NotConformant(f"after {_text(after)} comes {moment!r}, which is no later moment in nanoseconds UTC")


@scenario(moments)
async def no_moment_is_left_out(rig: TriggerRig) -> None:
    """Whenever it is asked before a moment, that one is next: a late question misses none, and an early one adds none."""
    next_time, at = _next_time(rig), rig.start
    for _ in range(WALK):
        moment = next_time(at)
        if moment is None:
            return
        for asked in (at, (at + moment) // 2, moment - 1):
            if next_time(asked) != moment:
                raise NotConformant(
                    f"after {_text(at)} comes {_text(moment)}, and after {_text(asked)}, which lies between, "
                    f"{_text(next_time(asked))}"
                )
        at = moment


@scenario(moments)
async def a_clock_set_back_finds_the_same_moments(rig: TriggerRig) -> None:
    """Asked again from the beginning, and by another process, it names the same moments."""
    used = _next_time(rig)
    first = _walk(used, rig.start)
    for who, next_time in (("asked again", used), ("a new trigger", _next_time(rig))):
        if _walk(next_time, rig.start) != first:
            raise NotConformant(f"{who} from {_text(rig.start)} on, it names other moments; keep nothing between questions")


@scenario(moments)
async def moments_follow_from_the_question_alone(rig: TriggerRig) -> None:
    """It asks no clock and no chance for its moments, and waits for nothing."""
    next_time = _next_time(rig)
    _walk(next_time, rig.start)  # calendars and time zones are read from files once
    with watched(Act.CLOCK | Act.CHANCE | Act.WAIT) as used:
        _walk(next_time, rig.start)
    if used:
        raise NotConformant(f"it calls {', '.join(sorted(used))}; the time is the one that it is asked with")


@scenario(commands)
async def a_command_is_taken_or_refused_in_words(rig: TriggerRig) -> None:
    """A command becomes a firing for its symbol that says who wanted it and why, or ValueError says what to do instead."""
    trigger, taken = rig.trigger(), 0
    assert isinstance(trigger, ManualTrigger)
    for symbol in ("", "AAA"):
        try:
            firing = trigger.on_command(symbol, "earnings are out", "ada")
        except ValueError as refusal:
            if len(str(refusal).split()) < 3:
                raise NotConformant(f"a command is refused with {str(refusal)!r}, which tells a user nothing") from refusal
            continue
        taken += 1
        if not isinstance(firing, Firing) or firing.symbol != symbol:
            raise NotConformant(f"a command for {symbol or 'no symbol'} becomes {firing!r}")
        if "ada" not in firing.reason or "earnings are out" not in firing.reason:
            raise NotConformant(f"the firing says {firing.reason!r}; say who wanted it and why")
    if not taken:
        raise NotConformant("it takes no command of ada's, neither for a symbol nor for none; give the rig one that does")


def _next_time(rig: TriggerRig) -> Next:
    trigger = rig.trigger()
    assert isinstance(trigger, TimeTrigger)
    return trigger.next_time


def _walk(next_time: Next, start: int) -> list[int]:
    found: list[int] = []
    at = start
    while len(found) < WALK and (moment := next_time(at)) is not None:
        found.append(moment)
        at = max(moment, at + 1)
    return found


def _text(moment: int | None) -> str:
    return "none" if moment is None else to_datetime(moment).isoformat()
