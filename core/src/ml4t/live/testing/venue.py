"""A broker for tests: a venue with books of its own, slow and unreliable as told, on the engine's clock."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import attrs

from ml4t.live.clock import Clock
from ml4t.live.contracts.broker import BrokerCapabilities, BrokerSink, BrokerSnapshot, OrderUpdate
from ml4t.live.errors import BrokerConnectionError, BrokerRefused, OutcomeUnknown
from ml4t.live.model import Account, Fill, Order, OrderState, OrderType, Position, TimeInForce
from ml4t.live.portfolio import Portfolio
from ml4t.live.testing.faults import Faults
from ml4t.live.times import NANOS


@attrs.frozen
class _Books:
    cash: float
    equity: float
    positions: tuple[Position, ...]
    working: tuple[Order, ...]
    fills: int


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
        self.refused: set[str] = set()
        """The order ids that the venue turned away."""
        self.connects = 0
        self._price = price
        self._clock = clock
        self._rng = random.Random(f"{seed} venue")  # noqa: S311 - chance, not secrets
        self._faults = faults or Faults()
        self._kind = kind
        self._sink: BrokerSink | None = None
        self._undelivered: list[OrderUpdate | Fill] = []
        self._trades: set[asyncio.Task[None]] = set()
        self._numbers = 0
        self._past: deque[tuple[int, _Books]] = deque()
        self._unavailable = ""

    async def connect(self) -> BrokerSnapshot:
        """Connect; what happened while away is in the snapshot."""
        await self._travel()
        self.connects += 1
        self._undelivered.clear()
        if self._faults.rollback_ids:
            self._numbers = 0
        return await self.snapshot(0)

    async def submit(self, order: Order) -> str:
        """Take an order; a known id is the order that is there."""
        await self._travel()
        if self._unavailable:
            raise BrokerConnectionError(self._unavailable)
        if self._faults.lose_request and self._happens(self._faults.lose_request):
            raise OutcomeUnknown("the simulated request was lost")
        if self._faults.throttle and self._happens(self._faults.throttle):
            self.refused.add(order.order_id)
            raise BrokerRefused("the simulated venue has had too many requests", code="throttled")
        if self._faults.late_request and self._happens(self._faults.late_request):
            self._begin(self._arrive_late(order))
            raise OutcomeUnknown("the simulated request is stuck")
        return self._accept(order)

    def _accept(self, order: Order) -> str:
        self.submissions.append(order.order_id)
        if order.order_id in self.orders:
            return self.orders[order.order_id].venue_order_id
        if self._happens(self._faults.reject):
            self.refused.add(order.order_id)
            raise BrokerRefused("the simulated venue is in a mood", code="mood")
        there = attrs.evolve(order, venue_order_id=f"v{self._number()}", state=OrderState.WORKING)
        self._remember()
        self.orders[order.order_id] = there
        self._begin(self._trade(there))
        if self._happens(self._faults.lose_acknowledgement):
            raise OutcomeUnknown("the simulated acknowledgement was lost")
        return there.venue_order_id

    async def _arrive_late(self, order: Order) -> None:
        await self._clock.sleep(self._faults.late_seconds)
        with contextlib.suppress(BrokerRefused, OutcomeUnknown):  # nobody waits for the answer any more
            self._accept(order)

    async def cancel(self, order: Order) -> None:
        """Cancel what still works; anything else, and now and then that too, is refused."""
        await self._travel()
        there = self.orders.get(order.order_id)
        if there is None or not there.is_open:
            raise BrokerRefused("there is no such order to cancel", code="not_working")
        if self._faults.refuse_cancel and self._happens(self._faults.refuse_cancel):
            raise BrokerRefused("the simulated venue keeps the order", code="mood")
        self._remember()
        self.orders[order.order_id] = attrs.evolve(there, state=OrderState.CANCELLED)
        now, filled = self._clock.now(), there.filled_quantity
        self._tell(OrderUpdate(order.order_id, OrderState.CANCELLED, now, there.venue_order_id, filled))

    async def replace(self, order: Order, *, quantity: float, limit_price: float | None, stop_price: float | None) -> None:
        """Refuse: market orders cannot be changed."""
        raise BrokerRefused("market orders cannot be changed", code="not_replaceable")

    async def snapshot(self, since: int) -> BrokerSnapshot:
        """Return the books, with the fills since `since` (nanoseconds UTC)."""
        self._answer()
        books = self._books()
        if self._faults.snapshot_lag_seconds:
            seen = self._clock.now() - round(self._rng.random() * self._faults.snapshot_lag_seconds * NANOS)
            books = next((past for until, past in self._past if until > seen), books)
        account = Account("sim-1", self._kind, "USD", books.cash, books.equity, self._clock.now())
        fills = [fill for fill in self.fills[: books.fills] if fill.time >= since]
        return BrokerSnapshot(account, books.positions, books.working, fills)

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

    def unavailable(self, why: str) -> None:
        """Lose the way to the market on a line that stands, and say so: news of orders is lost too. Empty: it is back."""
        self._unavailable = why
        if self._sink is not None:
            self._sink.available(why)

    def calm(self) -> None:
        """Let nothing go wrong from now on."""
        self._faults = Faults()

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
            if self._faults.rest_seconds:
                await self._clock.sleep(self._rng.expovariate(1 / self._faults.rest_seconds))
            if not self.orders[order.order_id].is_open:
                return
            self._fill(order, quantity, number, last=number == len(parts))
            await self._travel()

    def _fill(self, order: Order, quantity: float, number: int, *, last: bool) -> None:
        self._remember()
        fill = Fill(
            f"x{len(self.fills) + 1}-{number}",
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
        there = self.orders[order.order_id]
        filled = there.filled_quantity + quantity
        state = OrderState.FILLED if last else OrderState.PARTIALLY_FILLED
        self.orders[order.order_id] = attrs.evolve(there, state=state, filled_quantity=filled)
        self._tell(fill)
        if self._happens(self._faults.duplicate_fill):
            self._tell(fill)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._trades.add(task)
        task.add_done_callback(self._trades.discard)

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _books(self) -> _Books:
        working = tuple(order for order in self.orders.values() if order.is_open)
        book = self.portfolio
        return _Books(book.cash, book.equity, tuple(book.positions.values()), working, len(self.fills))

    def _remember(self) -> None:
        """Keep the books as they are until now, for snapshots that lag; called before every change."""
        if self._faults.snapshot_lag_seconds:
            now = self._clock.now()
            self._past.append((now, self._books()))
            while self._past[0][0] < now - self._faults.snapshot_lag_seconds * NANOS:
                self._past.popleft()

    def _tell(self, message: OrderUpdate | Fill) -> None:
        if self._unavailable:
            return
        if self._faults.lose_message and self._happens(self._faults.lose_message):
            return
        if self._faults.reorder and self._happens(self._faults.reorder):
            self._begin(self._tell_later(message))
        else:
            self._tell_now(message)

    async def _tell_later(self, message: OrderUpdate | Fill) -> None:
        await self._clock.sleep(self._faults.latency_seconds * 5)
        self._tell_now(message)

    def _tell_now(self, message: OrderUpdate | Fill) -> None:
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

    def _answer(self) -> None:
        if self._faults.no_answer and self._happens(self._faults.no_answer):
            raise BrokerConnectionError("the simulated venue does not answer")

    def _happens(self, chance: float) -> bool:
        return self._rng.random() < chance

    async def _travel(self) -> None:
        await self._clock.sleep(self._rng.expovariate(1 / self._faults.latency_seconds))


class SearchableVenue(SimulatedVenue):
    """The same venue, with the optional look-up of an order by our id."""

    async def find(self, order: Order) -> OrderUpdate | None:
        """Return how an order stands, None when it is not here."""
        await self._travel()
        self._answer()
        there = self.orders.get(order.order_id)
        if there is None:
            return None
        filled = sum(fill.quantity for fill in self.fills if fill.order_id == order.order_id)
        return OrderUpdate(order.order_id, there.state, self._clock.now(), there.venue_order_id, filled)
