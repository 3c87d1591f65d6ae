"""Telling a story to a trigger, as the engine does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from attrs import evolve

from ml4t.live.contracts.market import NeedsCandles
from ml4t.live.contracts.trigger import CompoundTrigger, EventTrigger, Trigger
from ml4t.live.engine.watch import known_at
from ml4t.live.market import MarketState
from ml4t.live.model import Bar, Firing, MarketEvent
from ml4t.live.testing.conformance.report import NotConformant

Story = Sequence[MarketEvent | Firing]
Fired = list[tuple[int, Firing]]
"""The firings of a story, each with the place at which it happened."""


def market_for(trigger: Trigger) -> MarketState:
    """Return a market with the candles that a trigger asks for."""
    return MarketState(candles=trigger.needs_candles if isinstance(trigger, NeedsCandles) else ())


def tell(trigger: Trigger, story: Story, *, market: MarketState | None = None, now: Callable[[int], int] = int) -> Fired:
    """Return what a trigger fires while it is told a story; `now` makes the engine's time of an event's.

    Raises NotConformant for an event that no market would take in, and for an answer that is no firing.
    """
    market, fired = market or market_for(trigger), []
    for place, each in enumerate(story):
        if isinstance(each, Firing):
            answers = hear(trigger, each, market)
        elif market.apply(each, now(known_at(each))) is None:
            raise NotConformant(f"the story cannot be: the market state refuses its event {place}, {each}")
        else:
            answers = see(trigger, each, market)
        fired += [(place, answer) for answer in answers]
    return fired


def see(trigger: Trigger, event: MarketEvent, market: MarketState) -> list[Firing]:
    """Return what an event fires."""
    assert isinstance(trigger, EventTrigger)
    return _firings([answer] if (answer := trigger.on_event(event, market)) is not None else [])


def hear(trigger: Trigger, firing: Firing, market: MarketState) -> list[Firing]:
    """Return what a firing completes of a compound."""
    assert isinstance(trigger, CompoundTrigger)
    return _firings(list(trigger.on_firing(firing, market)))


def later(event: MarketEvent, by: int) -> MarketEvent:
    """Return an event so many nanoseconds later."""
    return msgspec.structs.replace(event, event_time=event.event_time + by)


def again(event: MarketEvent, times: int) -> list[MarketEvent]:
    """Return the same event over and over: bars one after the other, anything else a nanosecond later each."""
    step = event.interval if isinstance(event, Bar) and event.interval else 1
    return [later(event, step * number) for number in range(1, times + 1)]


def renamed(story: Story, symbol: str) -> list[MarketEvent]:
    """Return the events of a story as those of another symbol."""
    return [msgspec.structs.replace(each, symbol=symbol) for each in story if not isinstance(each, Firing)]


def put_off(story: Story, after: int, by: int) -> list[MarketEvent | Firing]:
    """Return a story of which everything from a place on happens so many nanoseconds later."""
    moved = [evolve(each, time=each.time + by) if isinstance(each, Firing) else later(each, by) for each in story[after:]]
    return [*story[:after], *moved]


def _firings(answers: list[Firing]) -> list[Firing]:
    for answer in answers:
        if not isinstance(answer, Firing):
            raise NotConformant(f"it returned {answer!r}; a trigger returns a Firing, or None")
    return answers
