"""The simulated OKX, and adapters that talk to it, for the conformance kit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from ml4t.live.contracts import Broker, Feed
from ml4t_live_okx.broker import OKXBroker
from ml4t_live_okx.config import VARIABLES
from ml4t_live_okx.feed import OKXFeed
from ml4t_live_okx.simulator import OKXSimulator, OKXSimulatorConfig

QUICK: Mapping[str, Any] = {"timeout_seconds": 3.0, "silence_seconds": 1.0, "requests_per_second": 100_000}
"""Options that make a test short: half a second of silence and OKX is asked, one and the websocket is lost."""
WRONG = "wrong-secret-0123456789"
BROKER_EXEMPT = {
    "a_correction_while_away_holds_in_the_next_snapshot": "OKX corrects no execution",
    "a_corrected_execution_takes_the_place_of_the_first": "OKX corrects no execution",
    "a_late_fee_completes_the_execution": "OKX tells the fee of an execution with it",
    "a_line_cut_while_connecting_is_a_connection_error": "a question is asked again on another line",
}
FEED_EXEMPT = {"wrong_credentials_are_refused_at_once": "market data of OKX need no keys"}
SPOT: Sequence[str] = ("ETH-USDT", "SOL-USDT")
SWAPS: Sequence[str] = ("ETH-USDT-SWAP", "SOL-USDT-SWAP")
"""Of the first a contract is a tenth of a coin."""


def still(**options: Any) -> OKXSimulator:
    """Return a simulator whose prices move only when a test moves them."""
    return OKXSimulator(OKXSimulatorConfig(still=True, operations_per_hour=0, **options))


class OKXRig:
    """A simulated OKX, and adapters that talk to it."""

    unknown_symbol = "NOSUCH-USDT"
    patience = 4.0

    def __init__(self, simulator: OKXSimulator, symbols: Sequence[str], exempt: Mapping[str, str]) -> None:
        self.venue = self.source = simulator
        self.symbols = symbols
        self.symbol, self.second_symbol = symbols
        self.secrets = [*simulator.keys, WRONG]
        self.exempt = exempt

    def broker(self, *, address: tuple[str, int] | None = None, wrong_credentials: bool = False) -> Broker:
        """Return a broker that is not connected yet."""
        product = "swap" if self.symbol in SWAPS else "spot"
        wrong = {"secret_key": WRONG} if wrong_credentials else {}
        return broker_at(self.venue, products=(product,), **self._place(address), **wrong)

    def feed(self, symbols: Sequence[str], *, address: tuple[str, int] | None = None, wrong_credentials: bool = False) -> Feed:
        """Return a feed."""
        return feed_at(self.source, *symbols, data_type=self.source.emits, **self._place(address))

    def _place(self, address: tuple[str, int] | None) -> dict[str, str]:
        host, port = address or self.venue.address
        return {"url": f"http://{host}:{port}"}


@asynccontextmanager
async def spot_rig() -> AsyncIterator[OKXRig]:
    """Make a rig for `check_broker` on spot pairs."""
    with still() as simulator:
        yield OKXRig(simulator, SPOT, BROKER_EXEMPT)


@asynccontextmanager
async def swap_rig() -> AsyncIterator[OKXRig]:
    """Make a rig for `check_broker` on perpetual swaps."""
    with still() as simulator:
        yield OKXRig(simulator, SWAPS, BROKER_EXEMPT)


@asynccontextmanager
async def trades_rig() -> AsyncIterator[OKXRig]:
    """Make a rig for `check_feed` of trades in swaps."""
    with still() as simulator:
        yield OKXRig(simulator, SWAPS, FEED_EXEMPT)


@asynccontextmanager
async def bars_rig() -> AsyncIterator[OKXRig]:
    """Make a rig for `check_feed` of bars of spot pairs."""
    with still() as simulator:
        simulator.emits = "bars"
        yield OKXRig(simulator, SPOT, FEED_EXEMPT)


@asynccontextmanager
async def soak_rig() -> AsyncIterator[OKXRig]:
    """Make a rig for `soak`: swaps, with trades as data."""
    with still() as simulator:
        yield OKXRig(simulator, SWAPS, {})


def broker_at(venue: OKXSimulator, **options: Any) -> OKXBroker:
    """Return a broker that is not connected yet, of spot pairs and swaps unless others are named."""
    keys = dict(zip(VARIABLES, venue.keys, strict=True))
    demo = venue.config.kind == "paper"
    return OKXBroker(**{**keys, "url": venue.url, "demo": demo, "products": ("spot", "swap", "futures"), **QUICK, **options})


def feed_at(venue: OKXSimulator, *symbols: str, **options: Any) -> OKXFeed:
    """Return a feed."""
    return OKXFeed(**{"url": venue.url, **QUICK, "symbols": symbols, **options})
