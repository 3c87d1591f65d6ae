"""What the tests drive the feed with: a sink that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from ml4t.live.model import MarketEvent
from ml4t_live_databento.feed import DatabentoFeed


class Ears:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[MarketEvent] = []
        self.answers = 0

    def push(self, event: MarketEvent) -> None:
        """Keep an event."""
        self.events.append(event)

    def push_many(self, events: Iterable[MarketEvent]) -> None:
        """Keep events."""
        self.events.extend(events)

    async def ready(self) -> None:
        """Have room at once."""

    def alive(self) -> None:
        """Count an answer."""
        self.answers += 1


@asynccontextmanager
async def feeding(feed: DatabentoFeed, ears: Ears) -> AsyncIterator[asyncio.Task[None]]:
    """Run a feed."""
    task = asyncio.create_task(feed.run(ears))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def end_of(feed: DatabentoFeed, ears: Ears | None = None, seconds: float = 60.0) -> None:
    """Run a feed to its end. Raises TimeoutError when it does not end, and what it ends with."""
    await asyncio.wait_for(feed.run(ears or Ears()), seconds)


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until something holds. Raises TimeoutError when it does not for so long."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a simulator has no event to wait on
            await asyncio.sleep(0.002)
