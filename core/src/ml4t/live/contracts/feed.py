"""The contract of a market-data feed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, runtime_checkable

from ml4t.live.model import MarketEvent


class Sink(Protocol):
    """Where a feed puts what it hears. Call it on the event loop's thread only."""

    def push(self, event: MarketEvent) -> None:
        """Hand over one event. Never blocks on I/O and never drops silently."""
        ...

    def push_many(self, events: Iterable[MarketEvent]) -> None:
        """Hand over a batch: cheaper than one at a time when a socket delivered several."""
        ...

    async def ready(self) -> None:
        """Wait until there is room. A source that can be read at will (a file, a backfill) awaits this between batches."""
        ...

    def alive(self) -> None:
        """Say that the source answered (a heartbeat, a pong) although no market event came of it."""
        ...


@runtime_checkable
class Feed(Protocol):
    """A source of market data.

    A feed may also say, as attributes: `historical` (True when its events are recorded ones, so that the data move the
    clock; absent: decided from the first event in shadow mode, False otherwise).
    """

    @property
    def symbols(self) -> Sequence[str]:
        """The symbols, in the framework's form. An attribute will do, and so will a tuple."""
        ...

    async def run(self, sink: Sink) -> None:
        """Connect, subscribe and push events until cancelled. Returning means that the data has ended.

        Events of one symbol are in order of `event_time`. Raises `FeedDisconnected` when the source was lost: the
        engine waits, calls `run` again and fills the gap. Raises `FeedRefused` when trying again cannot help.
        Cancellation closes whatever was opened.
        """
        ...


@runtime_checkable
class Backfills(Protocol):
    """A feed that can fetch what was missed."""

    async def backfill(self, symbol: str, start: int, end: int) -> Iterable[MarketEvent]:
        """Return the events of `symbol` with start <= event_time < end (nanoseconds UTC), oldest first, `backfilled` set.

        Raises `FeedDisconnected` when the source cannot be reached.
        """
        ...
