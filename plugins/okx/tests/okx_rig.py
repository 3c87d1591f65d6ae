"""What the tests drive the adapter with: rigs for the conformance kit, sinks that remember, and orders."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

from ml4t.live.contracts import Broker, Feed, OrderUpdate
from ml4t.live.model import Account, Fill, MarketEvent, Order, OrderSide, OrderState, OrderType
from ml4t.live.orders.identity import decision_id
from ml4t_live_okx.broker import OKXBroker
from ml4t_live_okx.config import VARIABLES
from ml4t_live_okx.feed import OKXFeed
from ml4t_live_okx.simulator import OKXSimulator, OKXSimulatorConfig

QUICK = {"timeout_seconds": 3.0, "silence_seconds": 1.0, "requests_per_second": 100_000}
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


def still(**options: object) -> OKXSimulator:
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
async def listening(venue: OKXSimulator, **options: object) -> AsyncIterator[tuple[OKXBroker, Ears]]:
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
async def feeding(feed: OKXFeed, ears: Ears) -> AsyncIterator[asyncio.Task[None]]:
    """Run a feed."""
    task = asyncio.create_task(feed.run(ears))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def broker_at(venue: OKXSimulator, **options: object) -> OKXBroker:
    """Return a broker that is not connected yet, of spot pairs and swaps unless others are named."""
    keys = dict(zip(VARIABLES, venue.keys, strict=True))
    demo = venue.config.kind == "paper"
    return OKXBroker(**{**keys, "url": venue.url, "demo": demo, "products": ("spot", "swap", "futures"), **QUICK, **options})


def feed_at(venue: OKXSimulator, *symbols: str, **options: object) -> OKXFeed:
    """Return a feed."""
    return OKXFeed(**{"url": venue.url, **QUICK, "symbols": symbols, **options})


def order(name: str = "o", quantity: float = 10.0, kind: OrderType = OrderType.MARKET, **fields: object) -> Order:
    """Return an order to buy, with an id as long as core's; `side` and the rest may be given."""
    given = {"symbol": "ETH-USDT-SWAP", "side": OrderSide.BUY, "created_at": time.time_ns(), **fields}
    return Order(order_id=name.ljust(24, "0"), quantity=quantity, order_type=kind, **given)


def limit(name: str = "l", quantity: float = 10.0, price: float = 90.0, **fields: object) -> Order:
    """Return a limit order to buy below the market."""
    return order(name, quantity, OrderType.LIMIT, limit_price=price, **fields)


def ours(number: int, **fields: object) -> Order:
    """Return an order with an id as core makes them."""
    return order(**fields).changed(order_id=decision_id("run", "tests", "", 0, number))


def bracket(symbol: str = SWAPS[0], entry_type: OrderType = OrderType.LIMIT, **fields: object) -> tuple[Order, Order, Order]:
    """Return an entry below the market with its exits: the limit order, and the stop."""
    price = {"limit_price": 90.0} if entry_type is OrderType.LIMIT else {}
    entry = ours(0, symbol=symbol, kind=entry_type, **price, **fields)
    side = OrderSide.SELL if entry.side is OrderSide.BUY else OrderSide.BUY
    links = {"symbol": symbol, "side": side, "parent_id": entry.order_id, "oco_group": entry.order_id}
    target = ours(1, kind=OrderType.LIMIT, limit_price=110.0, **links)
    return entry, target, ours(2, kind=OrderType.STOP, stop_price=80.0, **links)


def pair(symbol: str = SWAPS[0], side: OrderSide = OrderSide.SELL) -> tuple[Order, Order]:
    """Return a limit order and a stop that both sell what is held."""
    limit = ours(1, symbol=symbol, kind=OrderType.LIMIT, limit_price=110.0, side=side)
    links = {"oco_group": limit.order_id}
    return limit.changed(**links), ours(2, symbol=symbol, kind=OrderType.STOP, stop_price=80.0, side=side, **links)


async def states(broker: OKXBroker, *orders: Order) -> list[OrderState | None]:
    """Return what OKX says of orders when it is asked for each."""
    return [None if (found := await broker.find(each)) is None else found.state for each in orders]


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until something holds. Raises TimeoutError when it does not for so long."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - a simulator has no event to wait on
            await asyncio.sleep(0.002)
