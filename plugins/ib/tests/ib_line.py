"""Adapters that are connected to a simulator, and everything that they report."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from ml4t.live.contracts import BrokerSnapshot, OrderUpdate
from ml4t.live.model import Account, Fill, MarketEvent, Order, OrderSide, OrderState, OrderType, TimeInForce
from ml4t.live.testing.conformance import waiting
from ml4t_live_ib.broker import IBBroker
from ml4t_live_ib.feed import IBDataFeed
from ml4t_live_ib.rig import Rig
from ml4t_live_ib.simulator import TwsSimulator

PATIENCE = 60.0
_numbers = itertools.count(1)


async def until(condition: Callable[[], object], what: str = "", seconds: float = PATIENCE) -> None:
    """Wait until something holds."""
    await waiting.until(condition, what or _named(condition), seconds)


def _named(condition: Callable[[], object]) -> str:
    code = getattr(condition, "__code__", None)
    return repr(condition) if code is None else f"{code.co_filename}:{code.co_firstlineno}"


def order(**given: Any) -> Order:
    """Return an order that works: to buy AAPL, far below the market."""
    number = next(_numbers)
    usual = {
        "order_id": f"test-{number:016d}",
        "symbol": "AAPL",
        "side": OrderSide.BUY,
        "quantity": 10.0,
        "order_type": OrderType.LIMIT,
        "limit_price": 50.0,
        "time_in_force": TimeInForce.DAY,
    }
    return Order(**usual | given)


class Line:
    """A broker that is connected, and what it reports."""

    def __init__(self, broker: IBBroker, snapshot: BrokerSnapshot) -> None:
        self.broker = broker
        self.snapshot = snapshot
        self.updates: list[OrderUpdate] = []
        self.fills: list[Fill] = []
        self.availability: list[str] = []
        self.accounts: list[Account] = []
        self.stream = asyncio.get_running_loop().create_task(broker.run(self))
        self.order, self.fill = self.updates.append, self.fills.append
        self.available, self.account = self.availability.append, self.accounts.append

    def of(self, order: Order) -> list[OrderUpdate]:
        return [update for update in self.updates if update.order_id == order.order_id]

    def states(self, order: Order) -> list[OrderState]:
        return [update.state for update in self.of(order)]

    async def until_state(self, order: Order, state: OrderState) -> OrderUpdate:
        await until(lambda: state in self.states(order), f"{order.order_id} {state}: {self.of(order)}")
        return next(update for update in self.of(order) if update.state is state)


@contextlib.asynccontextmanager
async def connected(
    tws: TwsSimulator, *, hold: bool = True, broker: IBBroker | None = None, **options: Any
) -> AsyncIterator[Line]:
    """Connect a broker; orders rest while `hold`."""
    tws.hold(hold)
    broker = broker or Rig(tws).broker(**options)
    line = Line(broker, await broker.connect())
    try:
        yield line
    finally:
        line.stream.cancel()
        await asyncio.gather(line.stream, return_exceptions=True)
        await broker.close()


class Ear:
    """A feed that runs, and what it pushes."""

    def __init__(self, feed: IBDataFeed) -> None:
        self.feed = feed
        self.events: list[MarketEvent] = []
        self.signs_of_life = 0
        self.stream = asyncio.get_running_loop().create_task(feed.run(self))

    def push(self, event: MarketEvent) -> None:
        self.events.append(event)

    def push_many(self, events: Iterable[MarketEvent]) -> None:
        self.events.extend(events)

    async def ready(self) -> None:
        pass

    def alive(self) -> None:
        self.signs_of_life += 1

    def of(self, symbol: str) -> list[MarketEvent]:
        return [event for event in self.events if event.symbol == symbol]

    async def until_lost(self) -> BaseException:
        await until(self.stream.done, "the feed has to end")
        error = self.stream.exception()
        assert error is not None
        return error


@contextlib.asynccontextmanager
async def listening(tws: TwsSimulator, *symbols: str, feed: IBDataFeed | None = None, **options: Any) -> AsyncIterator[Ear]:
    """Run a feed, once it is subscribed to what it can be."""
    feed = feed or Rig(tws).feed(symbols, **options)
    ear = Ear(feed)
    try:
        await until(lambda: ear.stream.done() or tws.subscriptions == set(symbols) - set(feed.refused), "subscribed")
        yield ear
    finally:
        ear.stream.cancel()
        await asyncio.gather(ear.stream, return_exceptions=True)
