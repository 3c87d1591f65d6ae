"""A broker for tests: a venue with books of its own, slow and unreliable as told, on the engine's clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import attrs

from ml4t.live.clock import Clock
from ml4t.live.contracts.broker import BrokerCapabilities, BrokerSink, BrokerSnapshot, OrderUpdate
from ml4t.live.errors import BrokerConnectionError, BrokerRefused, OutcomeUnknown
from ml4t.live.model import Account, Fill, Order, OrderState, OrderType, TimeInForce
from ml4t.live.portfolio import Portfolio


@attrs.frozen(kw_only=True)
class Faults:
    """How often, from 0 to 1 per request, and how long, in seconds, things go wrong."""

    latency_seconds: float = 0.02
    reject: float = 0.0
    lose_acknowledgement: float = 0.0
    duplicate_fill: float = 0.0
    partial_fill: float = 0.0
    line_seconds: float | None = None
    """How long the line lasts on average; None: for ever."""


class SimulatedVenue:
    """The broker contract over a venue in memory.

    `price` says what a symbol trades at. The books (`orders`, `fills`, `portfolio`) are the venue's own and survive its
    connections: a test compares them with the engine's.
    """

    capabilities = BrokerCapabilities(
        order_types=frozenset({OrderType.MARKET}), times_in_force=frozenset({TimeInForce.GTC}), fractional=True
    )

    def __init__(
        self,
        price: Callable[[str], float],
        clock: Clock,
        *,
        seed: int,
        faults: Faults | None = None,
        cash: float = 100_000.0,
        kind: str = "paper",
    ) -> None:
        self.orders: dict[str, Order] = {}
        self.fills: list[Fill] = []
        self.portfolio = Portfolio(cash)
        self.submissions: list[str] = []
        """The order ids that reached the venue, each as often as it did."""
        self.connects = 0
        self._price = price
        self._clock = clock
        self._rng = random.Random(f"{seed} venue")  # noqa: S311 - chance, not secrets
        self._faults = faults or Faults()
        self._kind = kind
        self._sink: BrokerSink | None = None
        self._undelivered: list[OrderUpdate | Fill] = []
        self._trades: set[asyncio.Task[None]] = set()

    async def connect(self) -> BrokerSnapshot:
        """Connect; what happened while away is in the snapshot."""
        await self._travel()
        self.connects += 1
        self._undelivered.clear()
        return await self.snapshot(0)

    async def submit(self, order: Order) -> str:
        """Take an order; a known id is the order that is there."""
        await self._travel()
        self.submissions.append(order.order_id)
        if order.order_id in self.orders:
            return self.orders[order.order_id].venue_order_id
        if self._happens(self._faults.reject):
            raise BrokerRefused("the simulated venue is in a mood", code="mood")
        there = attrs.evolve(order, venue_order_id=f"v{len(self.orders) + 1}", state=OrderState.WORKING)
        self.orders[order.order_id] = there
        trade = asyncio.get_running_loop().create_task(self._trade(there))
        self._trades.add(trade)
        trade.add_done_callback(self._trades.discard)
        if self._happens(self._faults.lose_acknowledgement):
            raise OutcomeUnknown("the simulated acknowledgement was lost")
        return there.venue_order_id

    async def cancel(self, order: Order) -> None:
        """Cancel what still works."""
        await self._travel()
        there = self.orders.get(order.order_id)
        if there is not None and there.is_open:
            self.orders[order.order_id] = attrs.evolve(there, state=OrderState.CANCELLED)
            self._tell(OrderUpdate(order.order_id, OrderState.CANCELLED, self._clock.now(), there.venue_order_id))

    async def replace(self, order: Order, *, quantity: float, limit_price: float | None, stop_price: float | None) -> None:
        """Refuse: market orders cannot be changed."""
        raise BrokerRefused("market orders cannot be changed", code="not_replaceable")

    async def snapshot(self, since: int) -> BrokerSnapshot:
        """Return the books, with the fills since `since` (nanoseconds UTC)."""
        book = self.portfolio
        account = Account("sim-1", self._kind, "USD", book.cash, book.equity, self._clock.now())
        working = [order for order in self.orders.values() if order.is_open]
        return BrokerSnapshot(account, tuple(book.positions.values()), working, [f for f in self.fills if f.time >= since])

    async def run(self, sink: BrokerSink) -> None:
        """Deliver updates until the line is cut."""
        self._sink = sink
        for message in self._undelivered:
            self._deliver(message)
        self._undelivered.clear()
        try:
            if self._faults.line_seconds is None:
                await asyncio.Event().wait()
            await self._clock.sleep(self._rng.expovariate(1 / (self._faults.line_seconds or 1.0)))
        finally:
            self._sink = None
        raise BrokerConnectionError("the simulated line was cut")

    async def close(self) -> None:
        """Let go of the line; the venue goes on."""
        self._sink = None

    async def settled(self) -> None:
        """Wait until the venue has nothing left to trade."""
        while self._trades:
            await asyncio.gather(*self._trades)

    async def _trade(self, order: Order) -> None:
        await self._travel()
        parts = [order.quantity]
        if self._happens(self._faults.partial_fill):
            parts = [order.quantity / 2, order.quantity / 2]
        for number, quantity in enumerate(parts, 1):
            if not self.orders[order.order_id].is_open:
                return
            self._fill(order, quantity, number, last=number == len(parts))
            await self._travel()

    def _fill(self, order: Order, quantity: float, number: int, *, last: bool) -> None:
        fill = Fill(
            f"{order.venue_order_id}-{number}",
            order.order_id,
            order.symbol,
            order.side,
            quantity,
            self._price(order.symbol),
            self._clock.now(),
            venue="simulated",
            account="sim-1",
            venue_order_id=order.venue_order_id,
        )
        self.fills.append(fill)
        self.portfolio.apply(fill)
        if last:
            self.orders[order.order_id] = attrs.evolve(self.orders[order.order_id], state=OrderState.FILLED)
        self._tell(fill)
        if self._happens(self._faults.duplicate_fill):
            self._tell(fill)

    def _tell(self, message: OrderUpdate | Fill) -> None:
        if self._sink is None:
            self._undelivered.append(message)
        else:
            self._deliver(message)

    def _deliver(self, message: OrderUpdate | Fill) -> None:
        if self._sink is None:
            return
        if isinstance(message, Fill):
            self._sink.fill(message)
        else:
            self._sink.order(message)

    def _happens(self, chance: float) -> bool:
        return self._rng.random() < chance

    async def _travel(self) -> None:
        await self._clock.sleep(self._rng.expovariate(1 / self._faults.latency_seconds))
