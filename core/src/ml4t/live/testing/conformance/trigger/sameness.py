"""The same events, the same firings: in a replay, on another clock, beside other symbols, after a restart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ml4t.live.contracts.trigger import CompoundTrigger, StatefulTrigger
from ml4t.live.model import Bar, Firing, Funding, MarketEvent, Quote, Trade
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.trigger.needs import events, memory, story
from ml4t.live.testing.conformance.trigger.rig import TriggerRig
from ml4t.live.testing.conformance.trigger.telling import Fired, Story, market_for, put_off, renamed, see, tell
from ml4t.live.testing.conformance.watching import Act, watched
from ml4t.live.times import NANOS

DAY = 86_400 * NANOS
CUTS = 25
"""At most so many restarts of a story are tried, spread over it."""


@scenario(story)
async def the_same_events_give_the_same_firings(rig: TriggerRig) -> None:
    """Two triggers that are told the same story fire the same, to the last word and number."""
    _same(tell(rig.trigger(), rig.story), tell(rig.trigger(), rig.story), "the second time")


@scenario(story)
async def it_reads_no_clock_and_waits_for_nothing(rig: TriggerRig) -> None:
    """It asks no clock and no chance, and neither sleeps nor asks another machine: time is that of the events."""
    trigger = rig.trigger()
    with watched(Act.CLOCK | Act.CHANCE | Act.WAIT) as used:
        tell(trigger, rig.story)
    if used:
        raise NotConformant(f"it calls {', '.join(sorted(used))}; what it may know is in the event and in `market`")


@scenario(events)
async def a_jump_of_the_clock_changes_nothing(rig: TriggerRig) -> None:
    """The engine's clock is set a day ahead, or back, in the middle of the story: the firings are the same."""
    middle = _moment(rig.story[len(rig.story) // 2])
    usual = tell(rig.trigger(), rig.story)
    for before, after, which in ((0, DAY, "ahead"), (DAY, 0, "back")):
        jumped = tell(rig.trigger(), rig.story, now=lambda moment: moment + (after if moment >= middle else before))  # noqa: B023
        _same(usual, jumped, f"when the engine's clock jumps {which}")


@scenario(story)
async def a_hole_in_the_data_does_no_harm(rig: TriggerRig) -> None:
    """Nothing comes for a week in the middle of the story: it raises nothing, and does the same every time."""
    told = put_off(rig.story, len(rig.story) // 2, 7 * DAY)
    _same(tell(rig.trigger(), told), tell(rig.trigger(), told), "the second time, with a week without data")


@scenario(events)
async def symbols_are_each_for_themselves(rig: TriggerRig) -> None:
    """Told of two symbols by turns, it fires for each what it fires when it is told of that one alone."""
    one = renamed(rig.story, "AAA")
    other = renamed(rig.story, "BBB")
    mixed = [event for pair in zip(one, other, strict=True) for event in pair]
    alone = [place for place, _ in tell(rig.trigger(), one)]
    fired = tell(rig.trigger(), mixed)
    for first, symbol in ((0, "AAA"), (1, "BBB")):
        places = [place // 2 for place, _ in fired if place % 2 == first]
        if places != alone:
            raise NotConformant(f"beside another symbol it fires for {symbol} at its events {places}, and alone at {alone}")


@scenario(events)
async def every_sort_of_event_is_taken(rig: TriggerRig) -> None:
    """Quotes, fundings, trades without a size, bars without volume or still running make it raise nothing."""
    trigger = rig.trigger()
    market, symbol, at = market_for(trigger), rig.story[0].symbol, rig.start
    odd: list[MarketEvent] = [
        Quote(symbol, at + 1, 99.0, 101.0, 0.0, 0.0),
        Trade(symbol, at + 2, 100.0, 0.0),
        Funding(symbol, at + 3, 0.0001),
        Bar(symbol, at + NANOS, 100.0, 100.0, 100.0, 100.0, 0.0, NANOS, complete=False),
        Bar(symbol, at + NANOS, 100.0, 101.0, 99.0, 100.0, 0.0, NANOS),
        Bar(symbol, at + 5 * NANOS, 100.0, 100.0, 100.0, 100.0, 0.0),
    ]
    for event in odd:
        if market.apply(event, event.event_time + NANOS) is None:
            continue
        try:
            see(trigger, event, market)
        except NotConformant:
            raise
        except Exception as error:
            raise NotConformant(f"{event} makes it raise {type(error).__name__}: {error}") from error


@scenario(story)
async def a_restart_changes_nothing(rig: TriggerRig) -> None:
    """Another process takes over at any event, with what `state` returned: no firing is lost, and none is told twice."""
    unbroken = tell(rig.trigger(), rig.story)
    for cut in _cuts(rig.story):
        _same(unbroken, _with_restart(rig, cut), f"with a restart before event {cut}")


@scenario(memory)
async def what_it_remembers_is_plain_and_its_own(rig: TriggerRig) -> None:
    """What `state` returns is JSON, and stays as it was when the trigger goes on: it is written later."""
    trigger, symbol = rig.trigger(), _symbol(rig)
    market = market_for(trigger)
    assert isinstance(trigger, StatefulTrigger)
    for place, each in enumerate(rig.story):
        kept = trigger.state(symbol)
        written = _json(kept)
        tell(trigger, [each], market=market)
        if _json(kept) != written:
            raise NotConformant(f"what `state` returned before event {place} is changed by that event; return a copy")


def _with_restart(rig: TriggerRig, cut: int) -> Fired:
    before = rig.trigger()
    market, symbol = market_for(before), _symbol(rig)
    fired = tell(before, rig.story[:cut], market=market)
    after = rig.trigger()
    if isinstance(before, StatefulTrigger) and isinstance(after, StatefulTrigger):
        kept = before.state(symbol)
        if kept is not None:
            after.restore(symbol, json.loads(_json(kept)))
    return fired + [(place + cut, firing) for place, firing in tell(after, rig.story[cut:], market=market)]


def _symbol(rig: TriggerRig) -> str:
    """Return under which symbol the engine keeps what it remembers."""
    return "" if isinstance(rig.trigger(), CompoundTrigger) else rig.story[0].symbol


def _cuts(told: Story) -> range:
    return range(1, len(told), max(1, len(told) // CUTS))


def _moment(each: MarketEvent | Firing) -> int:
    return each.time if isinstance(each, Firing) else each.event_time


def _same(wanted: Fired, fired: Fired, when: str) -> None:
    for one, other in zip(wanted, fired, strict=False):
        if one != other:
            raise NotConformant(f"{when} it fires {other[1]} at event {other[0]}, instead of {one[1]} at event {one[0]}")
    if len(wanted) != len(fired):
        raise NotConformant(f"{when} it fires {len(fired)} times instead of {len(wanted)}")


def _json(kept: Mapping[str, Any] | None) -> str:
    try:
        return json.dumps(kept, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise NotConformant(f"what `state` returns is no plain JSON ({error}); it is {kept!r}") from error
