"""What an event says: when, of what, and at what price."""

from __future__ import annotations

from math import isclose

from ml4t.live.model import Trade
from ml4t.live.testing.conformance.feed.ear import alone, price_of
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.rig import FeedRig

COUNT = 5
SIZE = 3.0


@scenario()
async def times_are_those_of_the_source_in_order(rig: FeedRig) -> None:
    """Every event carries the source's time, int nanoseconds UTC, and comes once, in the order of time."""
    async with alone(rig) as ear:
        emitted = ear.emit(COUNT, *rig.symbols)
        await ear.until_heard(emitted)
        for event in ear.events:
            if type(event.event_time) is not int:
                raise NotConformant(f"an event's time is {event.event_time!r}, and it is int nanoseconds UTC")
            if event.backfilled:
                raise NotConformant(f"an event that was heard as it happened is flagged as backfilled: {event}")
        ear.check_once_and_in_order(emitted)


@scenario()
async def prices_and_sizes_are_those_of_the_source(rig: FeedRig) -> None:
    """Every event carries the price at which it happened, and a trade its size."""
    async with alone(rig) as ear:
        emitted = ear.emit(COUNT, size=SIZE)
        await ear.until_heard(emitted)
        prices = {each.time: each.price for each in emitted}
        for event in ear.events:
            if not isclose(price_of(event), prices[event.event_time], rel_tol=1e-9):
                raise NotConformant(f"it happened at {prices[event.event_time]:g}, and the event says {price_of(event):g}")
            if isinstance(event, Trade) and not isclose(event.size, SIZE, rel_tol=1e-9):
                raise NotConformant(f"{SIZE:g} were traded, and the event says {event.size:g}")


@scenario()
async def symbols_are_written_as_they_were_asked_for(rig: FeedRig) -> None:
    """An event names its symbol as the configuration does."""
    async with alone(rig) as ear:
        emitted = ear.emit(1, *rig.symbols)
        await ear.until(lambda: len(ear.events) >= len(emitted), "an event of every symbol has to be heard")
        if (named := {event.symbol for event in ear.events}) != set(rig.symbols):
            raise NotConformant(f"asked for were {sorted(rig.symbols)}, and the events are of {sorted(named)}")
