"""A venue that takes every type of order: the broker contract over what fills orders in shadow mode, with books of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attrs import evolve

from ml4t.live.clock import Clock
from ml4t.live.contracts.broker import BrokerCapabilities, BrokerSink, BrokerSnapshot, OrderUpdate
from ml4t.live.errors import BrokerRefused
from ml4t.live.market import MarketState
from ml4t.live.model import Account, Fill, MarketEvent, Order, OrderState, OrderType, Terms, TimeInForce
from ml4t.live.orders.states import with_fill
from ml4t.live.shadow import ShadowVenue
from ml4t.live.testing import SimulatedFeed

TRAVEL_SECONDS = 0.05


class Exchange:
    """Trades at the prices of a feed that it listens to; `refuses` says which orders it turns away.

    `orders` and `fills` are its own, and what a test compares those of the engine and of the strategy with.
    """

    capabilities = BrokerCapabilities(
        order_types=frozenset(OrderType),
        times_in_force=frozenset({TimeInForce.GTC}),
        replace=True,
        fractional=True,
        brackets=True,
    )

    def __init__(
        self, clock: Clock, *, cash: float = 100_000.0, refuses: Callable[[Order], bool] = lambda order: False
    ) -> None:
        self.orders: dict[str, Order] = {}
        self.fills: list[Fill] = []
        self.market = MarketState()
        self.venue = ShadowVenue(self.market, self, initial_cash=cash)
        self._clock = clock
        self._refuses = refuses
        self._sink: BrokerSink | None = None

    @property
    def working(self) -> dict[str, Order]:
        """The orders that are open here."""
        return {order_id: order for order_id, order in self.orders.items() if order.is_open}

    # ------------------------------------------------------------------ the market, and what comes of it

    def hear(self, event: MarketEvent) -> None:
        """Trade with an event."""
        if self.market.apply(event, self._clock.now()) is not None:
            self.venue.on_event(event)

    def order(self, update: OrderUpdate) -> None:
        """Pass on what has become of an order."""
        known = self.orders[update.order_id]
        changes: dict[str, Any] = {"state": update.state}
        if update.terms is not None:
            changes |= {name: getattr(update.terms, name) for name in ("quantity", "limit_price", "stop_price", "trail_amount")}
        self.orders[update.order_id] = evolve(known, **changes)
        if self._sink is not None:
            self._sink.order(update)

    def fill(self, fill: Fill) -> None:
        """Pass on an execution."""
        self.fills.append(fill)
        self.orders[fill.order_id] = with_fill(self.orders[fill.order_id], fill)
        if self._sink is not None:
            self._sink.fill(fill)

    # ------------------------------------------------------------------ the contract

    async def connect(self) -> BrokerSnapshot:
        """Return the account."""
        return await self.snapshot(0)

    async def submit(self, order: Order) -> str:
        """Take an order."""
        await self._arrives(order)
        self.venue.submit(order)
        return f"shadow-{order.order_id}"

    async def submit_bracket(self, entry: Order, take_profit: Order, stop_loss: Order) -> Sequence[str]:
        """Take an entry with its exits."""
        orders = (entry, take_profit, stop_loss)
        await self._arrives(*orders)
        self.venue.submit_linked(orders)
        return [f"shadow-{order.order_id}" for order in orders]

    async def cancel(self, order: Order) -> None:
        """Take an order out."""
        await self._clock.sleep(TRAVEL_SECONDS)
        if order.order_id not in self.working:
            raise BrokerRefused("there is no such order to cancel", code="not_working")
        self.venue.cancel(self.orders[order.order_id])

    async def replace(self, order: Order, *, quantity: float, limit_price: float | None, stop_price: float | None) -> None:
        """Let an order go on with other terms."""
        await self._clock.sleep(TRAVEL_SECONDS)
        if order.order_id not in self.working:
            raise BrokerRefused("there is no such order to change", code="not_working")
        trail = order.trail_amount if order.amendment is None else order.amendment.trail_amount
        terms = Terms(quantity, limit_price, stop_price, trail)
        self.venue.replace(evolve(self.orders[order.order_id], amendment=terms))

    async def snapshot(self, since: int) -> BrokerSnapshot:
        """Return the account as it stands."""
        book = self.venue.portfolio
        account = Account("exchange", "paper", "USD", book.cash, book.equity, self._clock.now())
        fills = [fill for fill in self.fills if fill.time >= since]
        return BrokerSnapshot(account, tuple(book.positions.values()), tuple(self.working.values()), fills)

    async def run(self, sink: BrokerSink) -> None:
        """Report until the end."""
        self._sink = sink
        while True:
            await self._clock.sleep(3_600.0)

    async def close(self) -> None:
        """Let go of the line."""
        self._sink = None

    async def _arrives(self, *orders: Order) -> None:
        await self._clock.sleep(TRAVEL_SECONDS)
        if any(map(self._refuses, orders)):
            raise BrokerRefused("the exchange is in a mood", code="mood")
        self.orders |= {order.order_id: evolve(order, state=OrderState.WORKING) for order in orders}


class SharedFeed(SimulatedFeed):
    """A feed whose events an exchange trades at, before anybody hears of them."""

    exchange: Exchange

    async def run(self, sink: Any) -> None:
        """Push trades as they happen."""
        await super().run(_Tee(sink, self.exchange))


class _Tee:
    def __init__(self, sink: Any, exchange: Exchange) -> None:
        self._sink = sink
        self._exchange = exchange

    def push_many(self, events: Iterable[MarketEvent]) -> None:
        heard = list(events)
        for event in heard:
            self._exchange.hear(event)
        self._sink.push_many(heard)
