"""Asks the venue about orders whose outcome nobody knows, until there is proof; it never sends one again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from attrs import define

from ml4t.live.clock import Clock
from ml4t.live.contracts.broker import Broker, OrderUpdate
from ml4t.live.model import Order, OrderState, Terms
from ml4t.live.orders.desk import Desk
from ml4t.live.orders.states import NEVER_REACHED
from ml4t.live.times import NANOS

GRACE_SECONDS = 30.0
"""How long after the last moment at which a request can have arrived its absence begins to prove something."""
FIRST = NANOS
"""How soon a doubt is asked about; every further wait is twice as long as the one before."""
LONGEST = 30 * NANOS
AGAIN = 5 * NANOS
"""How long after a first conclusive absence the second look comes."""
ABSENCES = 2
"""Conclusive looks in a row, at complete snapshots, that must not show an order before it is taken to be gone."""
OVERLAP = 300 * NANOS
"""How much earlier than known fills are asked for: a fill twice is harmless, a fill lost is not."""

Find = Callable[[Order], Awaitable[OrderUpdate | None]]

_log = structlog.get_logger("ml4t.live.inquiry")


@define
class _Doubt:
    since: int
    due: int
    wait: int = FIRST
    absences: int = 0
    amending: bool = False
    """True when only the outcome of an amendment is in doubt."""


class Inquiry:
    """The orders in doubt: every UNKNOWN one, and those that the venue's books do not show.

    Ages are measured from when the doubt was noticed in this process, on the monotonic clock: a restart or a clock that is
    set makes it more careful, never less. A broker with `find` is asked per order; otherwise complete snapshots are read.
    """

    def __init__(
        self, broker: Broker, desk: Desk, clock: Clock, *, timeout_seconds: float, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        self._broker = broker
        self._find: Find | None = getattr(broker, "find", None)
        self._desk = desk
        self._clock = clock
        self._timeout = timeout_seconds
        self._proof = round((timeout_seconds + grace_seconds) * NANOS)
        self._doubts: dict[str, _Doubt] = {}
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Say that an order has become UNKNOWN."""
        self._woken.set()

    def doubt(self, order_id: str) -> None:
        """Ask about an order that ought to be at the venue and does not show there."""
        if order_id not in self._doubts:
            now = self._clock.monotonic()
            self._doubts[order_id] = _Doubt(now, now + FIRST)
            self._woken.set()

    def renew(self) -> None:
        """Count every age anew: a request may have been held back for as long as the venue was away."""
        now = self._clock.monotonic()
        for order_id, doubt in self._doubts.items():
            self._doubts[order_id] = _Doubt(now, now + FIRST, amending=doubt.amending)

    async def run(self) -> None:
        """Ask whenever an answer is due, and soon after the beginning, until cancelled."""
        soon = self._clock.monotonic() + FIRST
        for doubt in self._doubts.values():  # the line is new: what went unanswered before need not wait any longer
            doubt.due, doubt.wait = min(doubt.due, soon), FIRST
        while True:
            self._woken.clear()
            self._gather()
            due = min((doubt.due for doubt in self._doubts.values()), default=None)
            delay = None if due is None else max(0.0, (due - self._clock.monotonic()) / NANOS)
            try:
                async with self._clock.timeout(delay):
                    await self._woken.wait()
            except TimeoutError:
                self._gather()  # what was answered meanwhile is in doubt no more
                await self._ask()

    def _gather(self) -> None:
        """Take in what became UNKNOWN, and let go of what has ended."""
        for order in self._desk.orders.open_orders:
            if order.state is OrderState.UNKNOWN:
                self.doubt(order.order_id)
            elif order.amendment is not None and order.order_id not in self._doubts:
                self.doubt(order.order_id)
                self._doubts[order.order_id].amending = True
        for order_id in [order_id for order_id, doubt in self._doubts.items() if self._is_over(order_id, doubt)]:
            del self._doubts[order_id]

    def _is_over(self, order_id: str, doubt: _Doubt) -> bool:
        order = self._desk.orders.get(order_id)
        return order is None or not order.is_open or (doubt.amending and order.amendment is None)

    def _is_open(self, order_id: str) -> bool:
        order = self._desk.orders.get(order_id)
        return order is not None and order.is_open

    async def _ask(self) -> None:
        now = self._clock.monotonic()
        due = {order_id: doubt for order_id, doubt in self._doubts.items() if doubt.due <= now}
        for doubt in due.values():
            doubt.wait = min(doubt.wait * 2, LONGEST)
            doubt.due = now + doubt.wait
            if now < doubt.since + self._proof:
                doubt.due = min(doubt.due, doubt.since + self._proof)
        if self._find is None:
            await self._answered(self._look(due), list(due))
            return
        turn = asyncio.Semaphore(self._broker.capabilities.find_together)
        async with asyncio.TaskGroup() as group:
            for order_id, doubt in due.items():
                group.create_task(self._ask_in_turn(turn, order_id, doubt, self._find), name=f"ask about {order_id}")

    async def _ask_in_turn(self, turn: asyncio.Semaphore, order_id: str, doubt: _Doubt, find: Find) -> None:
        """Ask about one order by itself: one that is never answered must not hide the others."""
        async with turn:
            await self._answered(self._ask_about(order_id, doubt, find), [order_id])

    @staticmethod
    async def _answered(question: Awaitable[None], orders: Sequence[str]) -> None:
        try:
            await question
        except Exception as error:  # noqa: BLE001 - whatever stops an answer, the question stays, and is asked again
            _log.warning("the venue does not answer about orders in doubt", orders=orders, error=repr(error))

    async def _ask_about(self, order_id: str, doubt: _Doubt, find: Find) -> None:
        order = self._desk.orders.get(order_id)
        if order is None or not order.is_open:
            return
        asked = self._clock.monotonic()
        async with self._clock.timeout(self._timeout):
            update = await find(order)
        if update is None:
            self._absent(order, doubt, asked, enough=1)  # the venue is sure
            return
        doubt.absences = 0
        # Our clock may have been set since the order was made, and be ahead of the venue's: then every fill is read.
        for since in (max(0, order.created_at - OVERLAP), 0):
            if self._lacks_fills(order_id, update):
                await self._read_fills(since)
        if update.state is OrderState.UNKNOWN or (not update.state.is_open and self._lacks_fills(order_id, update)):
            return  # the money first: an order is not closed before its executions are here
        self._desk.order(update)
        self._settle(order_id, doubt, update.terms, asked)
        if not self._lacks_fills(order_id, update) and not self._is_amending(order_id):
            self._doubts.pop(order_id, None)

    def _settle(self, order_id: str, doubt: _Doubt, terms: Terms | None, asked: int) -> None:
        """Take the terms at the venue for the outcome of an amendment, once the request cannot be on its way any more."""
        if terms is not None and self._is_amending(order_id) and asked >= doubt.since + self._proof:
            self._desk.settle(order_id, terms, "the amendment never reached the venue")

    def _is_amending(self, order_id: str) -> bool:
        order = self._desk.orders.get(order_id)
        return order is not None and order.amendment is not None

    def _lacks_fills(self, order_id: str, update: OrderUpdate) -> bool:
        order = self._desk.orders.get(order_id)
        if order is None or not order.is_open:
            return False
        return update.state is OrderState.FILLED or (update.filled_quantity or 0.0) > order.filled_quantity

    async def _read_fills(self, since: int) -> None:
        async with self._clock.timeout(self._timeout):
            snapshot = await self._broker.snapshot(since)
        for fill in snapshot.fills:
            self._desk.fill(fill)

    async def _look(self, due: dict[str, _Doubt]) -> None:
        """Ask by reading the venue's books: its fills first, then what works there."""
        orders = [order for order_id in due if (order := self._desk.orders.get(order_id)) is not None]
        if not orders:
            return
        asked = self._clock.monotonic()
        oldest = min(order.created_at for order in orders) - OVERLAP
        # Before an order is given up every fill is read: our clock may have been set since, and be ahead of the venue's.
        since = 0 if any(due[order.order_id].absences for order in orders) else max(0, oldest)
        async with self._clock.timeout(self._timeout):
            snapshot = await self._broker.snapshot(since)
        for fill in snapshot.fills:
            self._desk.fill(fill)
        working = {order.order_id: order for order in snapshot.orders if order.order_id}
        for order in orders:
            there = working.get(order.order_id)
            if there is not None:
                now = self._clock.now()
                self._desk.order(OrderUpdate(order.order_id, OrderState.WORKING, now, there.venue_order_id, terms=there.terms))
                self._settle(order.order_id, due[order.order_id], there.terms, asked)
                if not self._is_amending(order.order_id):
                    self._doubts.pop(order.order_id, None)
            elif self._is_open(order.order_id):
                self._absent(order, due[order.order_id], asked, enough=ABSENCES)

    def _absent(self, order: Order, doubt: _Doubt, asked: int, *, enough: int) -> None:
        if asked < doubt.since + self._proof:
            return  # the request may still be on its way
        doubt.absences += 1
        if doubt.absences < enough:
            doubt.due = asked + AGAIN
            return
        now = self._desk.orders.get(order.order_id) or order
        if now.venue_order_id or now.filled_quantity:
            update = OrderUpdate(now.order_id, OrderState.CANCELLED, self._clock.now(), reason="no longer at the venue")
        else:
            update = OrderUpdate(
                now.order_id, OrderState.CANCELLED, self._clock.now(), code=NEVER_REACHED, reason="never reached the venue"
            )
        self._desk.order(update)
        self._doubts.pop(order.order_id, None)
