"""What the tests drive the adapter with: a second exchange, sinks that remember, and orders."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from ml4t.live.contracts import OrderUpdate
from ml4t.live.model import Account, Fill, MarketEvent, Order, OrderSide, OrderState, OrderType
from ml4t_live_crypto.broker import CryptoBroker
from ml4t_live_crypto.feed import CryptoFeed
from ml4t_live_crypto.rig import SWAPS, Unified, broker_at, rig
from ml4t_live_okx.simulator import OKXSimulator, OKXSimulatorConfig


def okx(**options: object) -> OKXSimulator:
    """Return a simulated OKX whose prices move only when a test moves them."""
    return OKXSimulator(OKXSimulatorConfig(still=True, operations_per_hour=0, **options))


okx_soak = rig(okx, SWAPS, {})
"""What `soak` takes."""


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
