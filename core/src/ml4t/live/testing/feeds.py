"""Feeds for tests: one that says what it is given, and one that behaves like a market with a bad line."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from math import inf

from ml4t.live.clock import Clock
from ml4t.live.contracts.feed import Sink
from ml4t.live.errors import FeedDisconnected
from ml4t.live.model import Bar, MarketEvent, Trade
from ml4t.live.times import NANOS

BATCH = 500


class ListFeed:
    """Pushes the events it is given, and ends. `historical` says whether they move the clock."""

    def __init__(self, events: Iterable[MarketEvent], *, symbols: Sequence[str] | None = None, historical: bool = True) -> None:
        self._events = list(events)
        named = dict.fromkeys(event.symbol for event in self._events) if symbols is None else symbols
        self.symbols: Sequence[str] = tuple(named)
        self.historical = historical
        self.resume_after: int | None = None
        """Events known up to this time are left out: an engine that restarts has processed them."""

    async def run(self, sink: Sink) -> None:
        """Push everything, waiting when the engine is behind."""
        after = self.resume_after
        events = [event for event in self._events if after is None or _known_at(event) > after]
        for start in range(0, len(events), BATCH):
            sink.push_many(events[start : start + BATCH])
            await sink.ready()

    async def backfill(self, symbol: str, start: int, end: int) -> list[MarketEvent]:
        """Return the events of a symbol with start <= event_time < end."""
        return [event for event in self._events if event.symbol == symbol and start <= event.event_time < end]


def _known_at(event: MarketEvent) -> int:
    return event.end_time if isinstance(event, Bar) else event.event_time


class SimulatedFeed:
    """A random walk per symbol on the engine's clock, that loses its line now and then and can backfill what it missed.

    The market goes on while the line is down: prices are a function of seed, symbol and time alone, so a backfill tells the
    truth. `every_seconds` lies between two trades of a symbol; a line lasts `line_seconds` on average, None for ever. It
    ends after `duration_seconds`.
    """

    historical = False

    def __init__(
        self,
        symbols: Sequence[str],
        clock: Clock,
        *,
        seed: int,
        duration_seconds: float,
        every_seconds: float = 1.0,
        line_seconds: float | None = None,
    ) -> None:
        self.symbols = tuple(symbols)
        self.disconnects = 0
        self._clock = clock
        self._rng = random.Random(f"{seed} line")  # noqa: S311 - chance, not secrets
        self._every = round(every_seconds * NANOS)
        self._line = line_seconds
        self._end = clock.now() + round(duration_seconds * NANOS)
        self._walks = {symbol: _Walk(f"{seed} {symbol}", self._every) for symbol in symbols}

    async def run(self, sink: Sink) -> None:
        """Push trades as they happen."""
        cut = self._clock.now() + self._rng.expovariate(1 / self._line) * NANOS if self._line is not None else inf
        due = 0
        while (now := self._clock.now()) < self._end:
            # A sleep in seconds may end a nanosecond before a moment: that moment is not to come twice.
            due = max((now // self._every + 1) * self._every, due + self._every)
            await self._clock.sleep((due - now) / NANOS)
            if due >= cut:
                self.disconnects += 1
                raise FeedDisconnected("the simulated line was cut")
            sink.push_many(Trade(symbol, due, walk.price(due), 1.0, due, "simulated") for symbol, walk in self._walks.items())

    async def backfill(self, symbol: str, start: int, end: int) -> list[MarketEvent]:
        """Return the trades of a stretch of time."""
        walk = self._walks[symbol]
        first = -(-start // self._every) * self._every
        return [Trade(symbol, at, walk.price(at), 1.0, None, "simulated", "", True) for at in range(first, end, self._every)]


class _Walk:
    """Prices as a function of time: each step's return comes from the step's own random generator."""

    def __init__(self, seed: str, every: int) -> None:
        self._seed = seed
        self._every = every
        self._prices: dict[int, float] = {}
        self._last = 0

    def price(self, at: int) -> float:
        """Return the price at a step of the walk; steps are asked for in order, or again."""
        step = at // self._every
        if step not in self._prices:
            change = random.Random(f"{self._seed} {step}").gauss(0.0, 0.0005)  # noqa: S311 - chance, not secrets
            self._prices[step] = self._prices.get(self._last, 100.0) * (1.0 + change)
            self._last = step
            if len(self._prices) > 100_000:
                del self._prices[next(iter(self._prices))]
        return self._prices[step]
