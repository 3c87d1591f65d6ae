"""The book of our own orders: what is open, what it could still do, and what was submitted lately.

This is row 46 of the table of controls.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ml4t.live.model import Order
from ml4t.live.orders.reservations import Reservations

RECENT = 10_000
"""Finished orders, and submitted ones, that stay in memory at least by default; older ones are in the journal."""

What = tuple[object, ...]


class OrderBook:
    """Our orders as they are known now. Everything asked on the way of an order is O(1), or O(log n) in those of late.

    `recent` is how many finished orders, and submitted ones, stay in memory at least.
    """

    def __init__(self, recent: int = RECENT) -> None:
        self.recent = recent
        self._open: dict[str, Order] = {}
        self._finished: dict[str, Order] = {}
        self._reservations = Reservations(self.get)
        self._submitted: list[int] = []
        self._latest: dict[What, tuple[int, Order]] = {}

    def put(self, order: Order) -> None:
        """Record a new order, or a new state of one."""
        before = self._open.get(order.order_id)
        if before is not None:
            self._reservations.remove(before)
        if order.is_open:
            self._open[order.order_id] = order
            self._reservations.add(order)
            self._reservations.follow(order)
            return
        if before is not None:
            del self._open[order.order_id]
        self._finished.pop(order.order_id, None)
        self._finished[order.order_id] = order
        self._reservations.follow(order)
        if len(self._finished) > self.recent:
            del self._finished[next(iter(self._finished))]

    @contextmanager
    def without(self, order: Order) -> Iterator[None]:
        """Leave an open order out of account for a moment: what is to take its place is being checked."""
        del self._open[order.order_id]
        self._reservations.remove(order)
        try:
            yield
        finally:
            self._reservations.add(order)
            self._open[order.order_id] = order

    def submitted(self, order: Order) -> None:
        """Note that an order passed the gate, for limits on rate and repetition."""
        times = self._submitted
        # One that comes late (two threads, a clock set back) counts from the latest known moment: times stay sorted.
        time = max(order.created_at, times[-1]) if times else order.created_at
        times.append(time)
        if len(times) >= 2 * self.recent:
            del times[: self.recent]
        what = _what(order)
        self._latest.pop(what, None)
        self._latest[what] = (time, order)
        if len(self._latest) > self.recent:
            del self._latest[next(iter(self._latest))]

    def get(self, order_id: str) -> Order | None:
        """Return an order as it stands, None when it is not known here."""
        return self._open.get(order_id) or self._finished.get(order_id)

    @property
    def open_orders(self) -> Sequence[Order]:
        """The orders that may still trade, oldest first."""
        return list(self._open.values())

    @property
    def finished(self) -> Sequence[Order]:
        """The orders that have ended lately."""
        return list(self._finished.values())

    @property
    def open_count(self) -> int:
        """How many orders may still trade."""
        return len(self._open)

    def working(self, symbol: str) -> tuple[float, float]:
        """Return the quantities that open orders may still buy and sell, as far as their links let them."""
        return self._reservations.working(symbol)

    def reserves(self, order: Order) -> float:
        """Return how much of an order counts on its side: for one that is not open yet, how much it would add."""
        return self._reservations.counts(order) if order.order_id in self._open else self._reservations.adds(order)

    def leads(self, order: Order) -> bool:
        """Return True when an open order waits for this one."""
        return self._reservations.leads(order)

    def open_in(self, symbol: str) -> int:
        """Return how many orders in a symbol may still trade."""
        return self._reservations.orders(symbol)

    def working_symbols(self) -> Sequence[str]:
        """Return the symbols with open orders."""
        return self._reservations.symbols()

    def submitted_since(self, since: int) -> int:
        """Return how many orders passed the gate after `since` (nanoseconds UTC); it knows the last `recent` for sure.

        An order from the future, as seen after the clock was set back, counts too: a window never reopens.
        """
        return len(self._submitted) - bisect_right(self._submitted, since)

    def repeated(self, order: Order, since: int) -> Order | None:
        """Return the last order that passed the gate after `since` and asked for the same as `order`, None without one."""
        time, earlier = self._latest.get(_what(order), (since, None))
        return earlier if time > since else None


def _what(order: Order) -> What:
    return (
        order.symbol,
        order.side,
        order.quantity,
        order.order_type,
        order.limit_price,
        order.stop_price,
        order.trail_amount,
    )
