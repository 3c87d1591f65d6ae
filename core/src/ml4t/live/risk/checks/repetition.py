"""Limits on how often and how many (rows 7, 13 and 22 of the table of controls)."""

from __future__ import annotations

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, Verdict, refuse
from ml4t.live.times import NANOS


class DuplicateOrder:
    """Refuses a second order of the same symbol, side, quantity, type and prices within the window, in seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._window = round(seconds * NANOS)

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse a repetition inside the window."""
        earlier = view.repeated(order, view.now - self._window)
        if earlier is None:
            return ALLOW
        age = (view.now - earlier.created_at) / NANOS
        return refuse(
            "duplicate_order",
            f"the same order ({earlier.order_id}) was submitted {age:g} s ago, within {self._seconds:g} s",
            limit=self._seconds,
            value=age,
        )


class MaxOrdersPerMinute:
    """Caps the orders that passed the gate in the last sixty seconds."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse the order that would be one too many."""
        count = view.submitted_since(view.now - 60 * NANOS)
        if count < self._limit:
            return ALLOW
        return refuse(
            "max_orders_per_minute",
            f"{count} orders were submitted in the last minute, and {self._limit} are allowed",
            limit=self._limit,
            value=count + 1,
        )


class MaxOpenOrders:
    """Caps the orders that may still trade."""

    exempts_reducing = True

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse the order that would be one too many."""
        count = view.open_count
        if count < self._limit:
            return ALLOW
        return refuse(
            "max_open_orders",
            f"{count} orders are open, and {self._limit} are allowed",
            limit=self._limit,
            value=count + 1,
        )
