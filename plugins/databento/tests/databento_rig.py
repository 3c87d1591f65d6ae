"""What the tests drive the feed with: rigs for the conformance kit, and a sink that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from ml4t.live.contracts import Feed
from ml4t.live.model import MarketEvent
from ml4t_live_databento.feed import DatabentoFeed
from ml4t_live_databento.simulator import DatabentoSimulator, DatabentoSimulatorConfig

QUICK = {"timeout_seconds": 2.0, "silence_seconds": 1.0, "dataset": "XNAS.ITCH"}
"""Options that make a test short: a simulator that says five times a second that it is there is lost after one of silence."""
WRONG = "db-wrong0123456789wrong0123456789"


def still(**options: object) -> DatabentoSimulator:
    """Return a simulator whose prices move only when a test moves them."""
    return DatabentoSimulator(DatabentoSimulatorConfig(**{"still": True, "heartbeat_seconds": 0.2, **options}))


class DatabentoRig:
    """A simulated gateway, and feeds that listen to it."""

    symbols: Sequence[str] = ("AAPL", "MSFT")
    unknown_symbol = "NOSUCH"
    patience = 2.0

    def __init__(self, simulator: DatabentoSimulator) -> None:
        self.source = simulator
        self.secrets = [simulator.key, WRONG]
        self.exempt: Mapping[str, str] = {}

    def feed(self, symbols: Sequence[str], *, address: tuple[str, int] | None = None, wrong_credentials: bool = False) -> Feed:
        """Return a feed."""
        host, port = address or self.source.address
        options = {"api_key": WRONG} if wrong_credentials else {}
        schema = self.source.emits
        return feed_at(self.source, *symbols, schema=schema, gateway=f"{host}:{port}", quiet_bars=False, **options)


@asynccontextmanager
async def trades_rig() -> AsyncIterator[DatabentoRig]:
    """Make a rig for `check_feed` of trades."""
    with still() as simulator:
        yield DatabentoRig(simulator)


@asynccontextmanager
async def bars_rig() -> AsyncIterator[DatabentoRig]:
    """Make a rig for `check_feed` of bars."""
    with still() as simulator:
        simulator.emits = "ohlcv-1s"
        yield DatabentoRig(simulator)


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


def feed_at(source: DatabentoSimulator, *symbols: str, **options: object) -> DatabentoFeed:
    """Return a feed."""
    host, port = source.address
    given = {"api_key": source.key, "gateway": f"{host}:{port}", "symbols": symbols, "schema": source.emits}
    return DatabentoFeed(**{**given, **QUICK, **options})


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until something holds. Raises TimeoutError when it does not for so long."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a simulator has no event to wait on
            await asyncio.sleep(0.002)
