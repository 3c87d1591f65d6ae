"""What the tests drive the adapter with: rigs for the conformance kit, sinks that remember, and orders."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from attrs import evolve

from ml4t.live.contracts import Broker, Feed, OrderUpdate
from ml4t.live.model import Account, Fill, MarketEvent, Order, OrderSide, OrderState, OrderType
from ml4t_live_crypto.broker import CryptoBroker
from ml4t_live_crypto.feed import CryptoFeed
from ml4t_live_crypto.simulator import BinanceSimulator, BinanceSimulatorConfig
from ml4t_live_okx.simulator import OKXSimulator, OKXSimulatorConfig

QUICK = {"timeout_seconds": 3.0, "silence_seconds": 2.0, "requests_per_second": 100_000.0}
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
    """A simulated exchange that goes by ccxt's symbols; `name` is ccxt's name of it."""

    def __init__(self, simulator: OKXSimulator | BinanceSimulator) -> None:
        self.simulator = simulator
        self.name = "okx" if isinstance(simulator, OKXSimulator) else "binance"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.simulator, name)

    def price(self, symbol: str, price: float) -> None:
        """Let the market be there."""
        self.simulator.price(self.theirs(symbol), price)

    def emit(self, symbol: str, price: float, size: float = 1.0) -> int:
        """Let a trade or a candle happen."""
        return self.simulator.emit(self.theirs(symbol), price, size)

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


def okx(**options: object) -> OKXSimulator:
    """Return a simulated OKX whose prices move only when a test moves them."""
    return OKXSimulator(OKXSimulatorConfig(still=True, operations_per_hour=0, **options))


def binance(**options: object) -> BinanceSimulator:
    """Return a simulated Binance whose prices move only when a test moves them."""
    return BinanceSimulator(BinanceSimulatorConfig(still=True, **options))


class CryptoRig:
    """A simulated exchange, and adapters that talk to it through ccxt."""

    unknown_symbol = "NOSUCH/USDT"
    patience = 5.0

    def __init__(self, simulator: OKXSimulator | BinanceSimulator, symbols: Sequence[str], exempt: Mapping[str, str]) -> None:
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
    simulator: Callable[[], OKXSimulator | BinanceSimulator],
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


okx_soak = rig(okx, SWAPS, {})
binance_soak = rig(binance, SPOT, {})
"""What `soak` takes."""


def feed_at(venue: Unified, *symbols: str, **options: object) -> CryptoFeed:
    """Return a feed of a simulated exchange."""
    return CryptoFeed(**{"exchange": venue.name, "url": venue.url, **QUICK, "symbols": symbols, **options})


def broker_at(venue: Unified, **options: object) -> CryptoBroker:
    """Return a broker of a simulated exchange that is not connected yet."""
    keys = dict(zip(("api_key", "secret_key", "password"), venue.keys, strict=False))
    given = {"exchange": venue.name, **keys, "url": venue.url, "sandbox": venue.config.kind == "paper", **QUICK}
    return CryptoBroker(**{**given, "products": PRODUCTS[venue.name], **options})


class Ears:
    """A sink for a broker and for a feed: what it is told is kept."""

    def __init__(self) -> None:
        self.updates: list[OrderUpdate] = []
        self.fills: list[Fill] = []
        self.events: list[MarketEvent] = []
        self.answers = 0

    def order(self, update: OrderUpdate) -> None:
        """Keep an update."""
        self.updates.append(update)

    def fill(self, fill: Fill) -> None:
        """Keep a fill."""
        self.fills.append(fill)

    def account(self, account: Account) -> None:
        """Take no note of balances."""

    def available(self, why: str) -> None:
        """Take no note of it."""

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

    def state(self, order: Order) -> OrderState | None:
        """Return the last state that was told of an order."""
        return next((each.state for each in reversed(self.updates) if each.order_id == order.order_id), None)

    @property
    def booked(self) -> dict[str, Fill]:
        """The fills by their id, as core keeps them."""
        return {fill.execution_id: fill for fill in self.fills}


@asynccontextmanager
async def listening(venue: Unified, **options: object) -> AsyncIterator[tuple[CryptoBroker, Ears]]:
    """Connect a broker and run its stream."""
    broker, ears = broker_at(venue, **options), Ears()
    await broker.connect()
    stream = asyncio.create_task(broker.run(ears))
    try:
        yield broker, ears
    finally:
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)
        await broker.close()


@asynccontextmanager
async def feeding(feed: CryptoFeed, ears: Ears) -> AsyncIterator[asyncio.Task[None]]:
    """Run a feed."""
    task = asyncio.create_task(feed.run(ears))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def order(name: str = "o", quantity: float = 10.0, kind: OrderType = OrderType.MARKET, **fields: object) -> Order:
    """Return an order to buy, with an id as long as core's; `side` and the rest may be given."""
    given = {"symbol": "ETH/USDT", "side": OrderSide.BUY, "created_at": time.time_ns(), **fields}
    return Order(order_id=name.ljust(24, "0"), quantity=quantity, order_type=kind, **given)


def limit(name: str = "l", quantity: float = 10.0, price: float = 90.0, **fields: object) -> Order:
    """Return a limit order to buy below the market."""
    return order(name, quantity, OrderType.LIMIT, limit_price=price, **fields)


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until something holds. Raises TimeoutError when it does not for so long."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a simulator has no event to wait on
            await asyncio.sleep(0.002)
