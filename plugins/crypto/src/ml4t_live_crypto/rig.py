"""A simulated exchange, and adapters that talk to it through ccxt, for the conformance kit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from attrs import evolve

from ml4t.live.contracts import Broker, Feed
from ml4t.live.model import Fill, Order
from ml4t_live_crypto.broker import CryptoBroker
from ml4t_live_crypto.feed import CryptoFeed
from ml4t_live_crypto.simulator import BinanceSimulator, BinanceSimulatorConfig

QUICK: Mapping[str, Any] = {"timeout_seconds": 3.0, "silence_seconds": 2.0, "requests_per_second": 100_000.0}
"""Options that make a test short."""
WRONG = "wrong-secret-0123456789"
BROKER_EXEMPT = {
    "a_correction_while_away_holds_in_the_next_snapshot": "no exchange corrects executions",
    "a_corrected_execution_takes_the_place_of_the_first": "no exchange corrects executions",
    "a_late_fee_completes_the_execution": "exchanges tell the fee of an execution with it",
    "a_line_cut_while_connecting_is_a_connection_error": "a question is asked again on another line",
}
FEED_EXEMPT = {"wrong_credentials_are_refused_at_once": "market data need no keys"}
PRODUCTS = {"okx": ("spot", "swap"), "binance": ("spot",)}
SPOT: Sequence[str] = ("ETH/USDT", "SOL/USDT")
SWAPS: Sequence[str] = ("ETH/USDT:USDT", "SOL/USDT:USDT")
"""Of the first a contract is a tenth of a coin, at OKX."""


class Unified:
    """A simulated exchange that goes by ccxt's symbols; `name` is ccxt's name of it.

    That is Binance, whose simulator is a part of this distribution; with that of OKX, where it is installed, it goes as well.
    """

    def __init__(self, simulator: Any) -> None:
        self.simulator = simulator
        self.name = "binance" if isinstance(simulator, BinanceSimulator) else "okx"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.simulator, name)

    def price(self, symbol: str, price: float) -> None:
        """Let the market be there."""
        self.simulator.price(self.theirs(symbol), price)

    def emit(self, symbol: str, price: float, size: float = 1.0) -> int:
        """Let a trade or a candle happen."""
        time: int = self.simulator.emit(self.theirs(symbol), price, size)
        return time

    @property
    def subscriptions(self) -> frozenset[str]:
        """The symbols that somebody listens to now."""
        return frozenset(map(self.ours, self.simulator.subscriptions))

    def orders(self) -> Sequence[Order]:
        """Return every order ever taken."""
        return [evolve(each, symbol=self.ours(each.symbol)) for each in self.simulator.orders()]

    def fills(self) -> Sequence[Fill]:
        """Return what has traded."""
        return [evolve(each, symbol=self.ours(each.symbol)) for each in self.simulator.fills()]

    def positions(self) -> Mapping[str, float]:
        """Return what is held."""
        return {self.ours(symbol): units for symbol, units in self.simulator.positions().items()}

    def theirs(self, symbol: str) -> str:
        """Return the exchange's name of a market."""
        pair, _, settles = symbol.partition(":")
        if self.name == "binance":
            return pair.replace("/", "")
        return pair.replace("/", "-") + ("-SWAP" if settles else "")

    def ours(self, name: str) -> str:
        """Return ccxt's name of a market of the exchange's."""
        if self.name == "binance":
            return f"{name.removesuffix('USDT')}/USDT"
        base, quote, *swap = name.split("-")
        return f"{base}/{quote}" + (f":{quote}" if swap else "")


def binance(**options: Any) -> BinanceSimulator:
    """Return a simulated Binance whose prices move only when a test moves them."""
    return BinanceSimulator(BinanceSimulatorConfig(still=True, **options))


class CryptoRig:
    """A simulated exchange, and adapters that talk to it through ccxt."""

    unknown_symbol = "NOSUCH/USDT"
    patience = 5.0

    def __init__(self, simulator: Any, symbols: Sequence[str], exempt: Mapping[str, str]) -> None:
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
        (host, port), (there, old) = address or self.venue.address, self.venue.address
        return {"url": self.venue.url.replace(f"{there}:{old}", f"{host}:{port}")}


def rig(
    simulator: Callable[[], Any],
    symbols: Sequence[str],
    exempt: Mapping[str, str],
    emits: str = "trades",
) -> Callable[[], AbstractAsyncContextManager[CryptoRig]]:
    """Return what makes rigs of a simulated exchange."""

    @asynccontextmanager
    async def make() -> AsyncIterator[CryptoRig]:
        with simulator() as running:
            running.emits = emits
            yield CryptoRig(running, symbols, exempt)

    make.__name__ = f"{simulator.__name__}_{emits}_{'swap' if symbols is SWAPS else 'spot'}"
    return make


broker_rig = rig(binance, SPOT, BROKER_EXEMPT)
feed_rig = rig(binance, SPOT, FEED_EXEMPT)
binance_soak = rig(binance, SPOT, {})
"""What `soak` takes."""


def feed_at(venue: Unified, *symbols: str, **options: Any) -> CryptoFeed:
    """Return a feed of a simulated exchange."""
    return CryptoFeed(**{"exchange": venue.name, "url": venue.url, **QUICK, "symbols": symbols, **options})


def broker_at(venue: Unified, **options: Any) -> CryptoBroker:
    """Return a broker of a simulated exchange that is not connected yet."""
    keys = dict(zip(("api_key", "secret_key", "password"), venue.keys, strict=False))
    given = {"exchange": venue.name, **keys, "url": venue.url, "sandbox": venue.config.kind == "paper", **QUICK}
    return CryptoBroker(**{**given, "products": PRODUCTS[venue.name], **options})
