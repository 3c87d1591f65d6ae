"""What the tests drive the adapter with: rigs for the conformance kit, sinks that remember, and orders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from attrs import evolve

from ml4t.live.contracts import Broker, Feed
from ml4t.live.model import Fill, Order
from ml4t_live_crypto.broker import CryptoBroker
from ml4t_live_crypto.feed import CryptoFeed
from ml4t_live_okx.simulator import OKXSimulator, OKXSimulatorConfig

QUICK = {"timeout_seconds": 1.0, "silence_seconds": 1.0, "requests_per_second": 100_000.0}
"""Options that make a test short."""
WRONG = "wrong-secret-0123456789"
BROKER_EXEMPT = {
    "a_correction_while_away_holds_in_the_next_snapshot": "no exchange corrects executions",
    "a_corrected_execution_takes_the_place_of_the_first": "no exchange corrects executions",
    "a_late_fee_completes_the_execution": "exchanges tell the fee of an execution with it",
    "a_line_cut_while_connecting_is_a_connection_error": "a question is asked again on another line",
}
FEED_EXEMPT = {"wrong_credentials_are_refused_at_once": "market data need no keys"}
BARS_EXEMPT = {
    **FEED_EXEMPT,
    "a_slow_listener_loses_nothing_without_a_word": "so many candles reach into the future, and ccxt drops their flag",
}
SPOT: Sequence[str] = ("ETH/USDT", "SOL/USDT")
SWAPS: Sequence[str] = ("ETH/USDT:USDT", "SOL/USDT:USDT")
"""Of the first a contract is a tenth of a coin, at OKX."""


class Unified:
    """A simulated OKX that goes by ccxt's symbols."""

    def __init__(self, okx: OKXSimulator) -> None:
        self.okx = okx

    def __getattr__(self, name: str) -> Any:
        return getattr(self.okx, name)

    def price(self, symbol: str, price: float) -> None:
        """Let the market be there."""
        self.okx.price(theirs(symbol), price)

    def emit(self, symbol: str, price: float, size: float = 1.0) -> int:
        """Let a trade or a candle happen."""
        return self.okx.emit(theirs(symbol), price, size)

    @property
    def subscriptions(self) -> frozenset[str]:
        """The symbols that somebody listens to now."""
        return frozenset(map(ours, self.okx.subscriptions))

    def orders(self) -> Sequence[Order]:
        """Return every order ever taken."""
        return [evolve(each, symbol=ours(each.symbol)) for each in self.okx.orders()]

    def fills(self) -> Sequence[Fill]:
        """Return what has traded."""
        return [evolve(each, symbol=ours(each.symbol)) for each in self.okx.fills()]

    def positions(self) -> Mapping[str, float]:
        """Return what is held."""
        return {ours(symbol): units for symbol, units in self.okx.positions().items()}


def theirs(symbol: str) -> str:
    """Return OKX's name of a market."""
    pair, _, settles = symbol.partition(":")
    return pair.replace("/", "-") + ("-SWAP" if settles else "")


def ours(name: str) -> str:
    """Return ccxt's name of a market of OKX's."""
    base, quote, *swap = name.split("-")
    return f"{base}/{quote}" + (f":{quote}" if swap else "")


def still(**options: object) -> OKXSimulator:
    """Return a simulated OKX whose prices move only when a test moves them."""
    return OKXSimulator(OKXSimulatorConfig(still=True, operations_per_hour=0, **options))


class OKXRig:
    """A simulated OKX, and adapters that talk to it through ccxt."""

    unknown_symbol = "NOSUCH/USDT"
    patience = 3.0

    def __init__(self, simulator: OKXSimulator, symbols: Sequence[str], exempt: Mapping[str, str]) -> None:
        self.venue = self.source = Unified(simulator)
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
async def okx_spot_rig() -> AsyncIterator[OKXRig]:
    """Make a rig for `check_broker` on spot pairs at OKX."""
    with still() as simulator:
        yield OKXRig(simulator, SPOT, BROKER_EXEMPT)


@asynccontextmanager
async def okx_swap_rig() -> AsyncIterator[OKXRig]:
    """Make a rig for `check_broker` on swaps at OKX."""
    with still() as simulator:
        yield OKXRig(simulator, SWAPS, BROKER_EXEMPT)


@asynccontextmanager
async def okx_trades_rig() -> AsyncIterator[OKXRig]:
    """Make a rig for `check_feed` of trades in swaps at OKX."""
    with still() as simulator:
        yield OKXRig(simulator, SWAPS, FEED_EXEMPT)


@asynccontextmanager
async def okx_bars_rig() -> AsyncIterator[OKXRig]:
    """Make a rig for `check_feed` of bars of spot pairs at OKX."""
    with still() as simulator:
        simulator.emits = "bars"
        yield OKXRig(simulator, SPOT, BARS_EXEMPT)


def feed_at(venue: Any, *symbols: str, **options: object) -> CryptoFeed:
    """Return a feed of a simulated exchange."""
    return CryptoFeed(**{"exchange": "okx", "url": venue.url, **QUICK, "symbols": symbols, **options})


def broker_at(venue: Any, **options: object) -> CryptoBroker:
    """Return a broker of a simulated exchange that is not connected yet."""
    keys = dict(zip(("api_key", "secret_key", "password"), venue.keys, strict=False))
    given = {"exchange": "okx", **keys, "url": venue.url, "sandbox": venue.config.kind == "paper", **QUICK}
    return CryptoBroker(**{**given, "products": ("spot", "swap"), **options})
