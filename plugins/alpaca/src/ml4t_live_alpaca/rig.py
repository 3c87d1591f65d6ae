"""The simulated Alpaca, and adapters that talk to it, for the conformance kit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from ml4t.live.contracts import Broker, Feed
from ml4t_live_alpaca.broker import AlpacaBroker
from ml4t_live_alpaca.feed import AlpacaFeed
from ml4t_live_alpaca.simulator import AlpacaSimulator, AlpacaSimulatorConfig

QUICK: Mapping[str, Any] = {"timeout_seconds": 2.0, "silence_seconds": 1.0, "requests_per_minute": 100_000}
"""Options that make a test short: half a second of silence and Alpaca is asked, one and the stream is lost."""
WRONG = "wrong-secret-0123456789"
NO_FEES = "Alpaca tells no fee of an execution: fees are account activities of their own, and show in the cash"


def still(**options: Any) -> AlpacaSimulator:
    """Return a simulator whose prices move only when a test moves them."""
    return AlpacaSimulator(AlpacaSimulatorConfig(still=True, **options))


class AlpacaRig:
    """A simulated Alpaca, and adapters that talk to it."""

    symbol = "AAPL"
    second_symbol = "MSFT"
    symbols: Sequence[str] = ("AAPL", "MSFT")
    unknown_symbol = "NOSUCH"
    patience = 3.0

    def __init__(self, simulator: AlpacaSimulator, exempt: Mapping[str, str]) -> None:
        self.venue = self.source = simulator
        self.secrets = [*simulator.keys, WRONG]
        self.exempt = exempt

    def broker(self, *, address: tuple[str, int] | None = None, wrong_credentials: bool = False) -> Broker:
        """Return a broker that is not connected yet."""
        return broker_at(self.venue, **self._keys(address, wrong_credentials=wrong_credentials))

    def feed(self, symbols: Sequence[str], *, address: tuple[str, int] | None = None, wrong_credentials: bool = False) -> Feed:
        """Return a feed."""
        keys = self._keys(address, wrong_credentials=wrong_credentials)
        return feed_at(self.source, *symbols, data_type=self.source.emits, **keys)

    def _keys(self, address: tuple[str, int] | None, *, wrong_credentials: bool) -> dict[str, str]:
        host, port = address or self.venue.address
        return {"url": f"http://{host}:{port}", **({"secret_key": WRONG} if wrong_credentials else {})}


@asynccontextmanager
async def broker_rig() -> AsyncIterator[AlpacaRig]:
    """Make a rig for `check_broker`."""
    with still() as simulator:
        yield AlpacaRig(simulator, {"a_late_fee_completes_the_execution": NO_FEES})


@asynccontextmanager
async def bars_rig() -> AsyncIterator[AlpacaRig]:
    """Make a rig for `check_feed` of bars."""
    with still() as simulator:
        yield AlpacaRig(simulator, {})


@asynccontextmanager
async def trades_rig() -> AsyncIterator[AlpacaRig]:
    """Make a rig for `check_feed` of trades."""
    with still() as simulator:
        simulator.emits = "trades"
        yield AlpacaRig(simulator, {})


def broker_at(venue: AlpacaSimulator, **options: Any) -> AlpacaBroker:
    """Return a broker that is not connected yet."""
    return AlpacaBroker(**{**_access(venue), **QUICK, **options})


def feed_at(venue: AlpacaSimulator, *symbols: str, **options: Any) -> AlpacaFeed:
    """Return a feed."""
    return AlpacaFeed(**{**_access(venue), **QUICK, "symbols": symbols, **options})


def _access(venue: AlpacaSimulator) -> dict[str, str]:
    key, secret = venue.keys
    return {"api_key": key, "secret_key": secret, "url": venue.url}
