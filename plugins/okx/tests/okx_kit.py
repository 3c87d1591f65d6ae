"""What the tests drive the adapter with: sinks that remember, and orders."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from ml4t.live.contracts import OrderUpdate
from ml4t.live.model import Account, Fill, MarketEvent, Order, OrderSide, OrderState, OrderType
from ml4t.live.orders.identity import decision_id
from ml4t_live_okx.broker import OKXBroker
from ml4t_live_okx.feed import OKXFeed
from ml4t_live_okx.rig import SWAPS, broker_at
from ml4t_live_okx.simulator import OKXSimulator


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
