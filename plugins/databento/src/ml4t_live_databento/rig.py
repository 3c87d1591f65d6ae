"""The simulated gateway, and feeds that listen to it, for the conformance kit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from ml4t.live.contracts import Feed
from ml4t_live_databento.feed import DatabentoFeed
from ml4t_live_databento.simulator import DatabentoSimulator, DatabentoSimulatorConfig

QUICK: Mapping[str, Any] = {"timeout_seconds": 2.0, "silence_seconds": 1.0, "dataset": "XNAS.ITCH"}
"""Options that make a test short: a simulator that says five times a second that it is there is lost after one of silence."""
WRONG = "db-wrong0123456789wrong0123456789"


def still(**options: Any) -> DatabentoSimulator:
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


def feed_at(source: DatabentoSimulator, *symbols: str, **options: Any) -> DatabentoFeed:
    """Return a feed."""
    host, port = source.address
    given = {"api_key": source.key, "gateway": f"{host}:{port}", "symbols": symbols, "schema": source.emits}
    return DatabentoFeed(**{**given, **QUICK, **options})
