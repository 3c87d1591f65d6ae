"""Limits on messages and executions, over windows and the day (rows 7, 8, 9, 10 and 25 of the table of controls)."""

from __future__ import annotations

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import Order, Verdict
from ml4t.live.risk.checks.bounds import at_most
from ml4t.live.risk.tallies import KEPT
from ml4t.live.times import NANOS

CANCELS = 5
"""One in so many messages is kept for cancels."""


class MaxMessages:
    """Caps the messages of a window: orders, refused orders (row 9) and cancels (row 7 of the table of controls).

    Cancels are counted and never refused, and a fifth of the limit is kept for them (row 8): orders are refused before the
    venue has had all the messages that it takes. Raises ValueError for more than are remembered.
    """

    def __init__(self, limit: int, seconds: int, name: str) -> None:
        if limit > KEPT:
            raise ValueError(f"{name} = {limit}: at most {KEPT:,} messages are remembered; write less, or None")
        self._limit = limit - limit // CANCELS
        self._window = seconds * NANOS
        self._name = name

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse the order that would be one too many."""
        count = view.tallies.messages.since(view.now - self._window)
        return at_most(self._name, "messages in the window would be", count + 1, self._limit)


class MaxOrderToFillRatio:
    """Caps the messages of a day for each of its executions (row 10 of the table of controls)."""

    exempts_reducing = True

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse when there are too many messages for what has traded."""
        ratio = (view.tallies.messages_today + 1) / max(1, view.tallies.fills_today)
        return at_most("max_order_to_fill_ratio", "messages for each execution of today would be", ratio, self._ratio)


class MaxFillsPerMinute:
    """Caps the executions of the last sixty seconds: with as many, no order adds more (row 25 of the table of controls)."""

    exempts_reducing = True

    def __init__(self, limit: int) -> None:
        if limit > KEPT:
            raise ValueError(f"max_fills_per_minute = {limit}: at most {KEPT:,} are remembered; write less, or None")
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order whose first execution would be one too many, each open order counted as one."""
        count = view.tallies.fills.since(view.now - 60 * NANOS) + view.open_count
        return at_most("max_fills_per_minute", "executions in the last minute would be", count + 1, self._limit)
