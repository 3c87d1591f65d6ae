"""The random-walk feed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import chain, dropwhile, islice, takewhile

from feed_random_walk.config import RandomWalkConfig
from feed_random_walk.walk import walk
from ml4t.live.contracts import Sink
from ml4t.live.model import Bar, Trade

_BATCH = 256


class RandomWalkFeed:
    """Pushes the walks of all symbols, in order of time, as fast as there is room for them."""

    def __init__(self, config: RandomWalkConfig) -> None:
        self.symbols = config.symbols
        self.historical = config.historical
        self._config = config

    async def run(self, sink: Sink) -> None:
        """Push all events; return when they are over."""
        events = self._events()
        while batch := list(islice(events, _BATCH)):
            sink.push_many(batch)
            await sink.ready()
            await asyncio.sleep(0)  # there may always be room, and an endless walk has to be cancellable

    async def backfill(self, symbol: str, start: int, end: int) -> list[Trade | Bar]:
        """Return the events of `symbol` with start <= event_time < end. The walk is walked again from its beginning."""
        if symbol not in self.symbols:
            return []
        until_end = takewhile(lambda event: event.event_time < end, walk(self._config, symbol, backfilled=True))
        return list(dropwhile(lambda event: event.event_time < start, until_end))

    def _events(self) -> Iterator[Trade | Bar]:
        # All walks step at the same moments, so one of each in turn is the order of time.
        walks = [walk(self._config, symbol) for symbol in self.symbols]
        return chain.from_iterable(zip(*walks, strict=True))
