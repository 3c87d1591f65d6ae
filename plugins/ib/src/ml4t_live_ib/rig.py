"""The simulated TWS, and adapters that talk to it, for the conformance kit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from attrs import field, frozen

from ml4t.live.testing.rig import Address
from ml4t.live.times import NANOS
from ml4t_live_ib.broker import IBBroker
from ml4t_live_ib.feed import IBDataFeed
from ml4t_live_ib.simulator import SimulatorConfig, TwsSimulator

QUICK: Mapping[str, Any] = {"probe_seconds": 0.2, "timeout_seconds": 2.0, "requests_per_second": 10_000}
"""A connection that finds out in seconds what takes a user's half a minute."""
NO_CREDENTIALS = {
    "wrong_credentials_are_refused_at_once": "TWS holds the login; a client on market data shows it no credentials"
}


@frozen
class Rig:
    """A venue and a source: the same simulator, on which nothing moves by itself."""

    venue: TwsSimulator
    symbol: str = "AAPL"
    second_symbol: str = "MSFT"
    symbols: Sequence[str] = ("AAPL", "MSFT", "SPY")
    unknown_symbol: str = "NOPE"
    secrets: Sequence[str] = ()
    exempt: Mapping[str, str] = field(factory=dict)
    patience: float = 2 * QUICK["probe_seconds"] + QUICK["timeout_seconds"]

    @property
    def source(self) -> TwsSimulator:
        """The same simulator, for a feed."""
        return self.venue

    def broker(self, *, address: Address | None = None, wrong_credentials: bool = False, **options: Any) -> IBBroker:
        """Return a broker that is not connected yet."""
        account = "DU7654321" if wrong_credentials else ""
        return IBBroker(**self._connection(address) | {"account": account} | options)

    def feed(
        self, symbols: Sequence[str], *, address: Address | None = None, wrong_credentials: bool = False, **options: Any
    ) -> IBDataFeed:
        """Return a feed."""
        return IBDataFeed(symbols=symbols, **{"history_requests": 10_000, **self._connection(address)} | options)

    def _connection(self, address: Address | None) -> dict[str, Any]:
        host, port = address or self.venue.address
        return {**QUICK, "host": host, "port": port}


def simulator(**options: Any) -> TwsSimulator:
    """Return a simulator on which nothing moves by itself, and which has no patience to be tried."""
    still: dict[str, Any] = {"interval": 0, "pacing": False, "prices": {"AAPL": 100.0}}
    return TwsSimulator(SimulatorConfig(**still | options))


@asynccontextmanager
async def broker_rig() -> AsyncIterator[Rig]:
    """Make a venue; it is gone afterwards."""
    with simulator() as venue:
        yield Rig(venue)


@asynccontextmanager
async def soak_rig() -> AsyncIterator[Rig]:
    """Make both, with room for a month of bars before now."""
    with simulator(head_start=30 * 86_400 * NANOS) as venue:
        yield Rig(venue)


@asynccontextmanager
async def feed_rig() -> AsyncIterator[Rig]:
    """Make a source; it is gone afterwards."""
    with simulator() as venue:
        yield Rig(venue, exempt=NO_CREDENTIALS)
