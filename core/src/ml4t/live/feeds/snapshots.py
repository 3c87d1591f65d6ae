"""A feed of the prices that a program records by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.contracts.feed import Sink
from ml4t.live.model import Trade

EARLY = 10_000
"""Prices that are kept until the feed runs."""
ALIVE_SECONDS = 1.0


class SnapshotFeed:
    """Passes on what `record` is given, for as long as it runs; there is nothing to connect to."""

    historical = False
    symbols: Sequence[str] = ()

    def __init__(self) -> None:
        self.clock: Clock = SystemClock()
        """The engine's, once it is connected."""
        self.running = asyncio.Event()
        self._sink: Sink | None = None
        self._early: list[Trade] = []

    def record(self, event: Trade) -> None:
        """Pass on an event; of those recorded before the feed runs the last `EARLY` wait for it."""
        if self._sink is None:
            self._early.append(event)
            del self._early[:-EARLY]
        else:
            self._sink.push(event)

    async def run(self, sink: Sink) -> None:
        """Pass on events until cancelled."""
        self._sink = sink
        sink.push_many(self._early)
        self._early.clear()
        self.running.set()
        try:
            while True:
                sink.alive()  # silence is no fault here: nobody is on the other end
                await self.clock.sleep(ALIVE_SECONDS)
        finally:
            self.running.clear()
            self._sink = None
