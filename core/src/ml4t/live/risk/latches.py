"""What stops a symbol or a strategy by itself, until a person lets it go on (rows 11 and 12 of the table of controls)."""

from __future__ import annotations

from collections import deque

from ml4t.live.model import Fill, Order, OrderState
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.risk.switch import scope_of
from ml4t.live.times import NANOS

MINUTE = 60 * NANOS
LATCHES = "latch"
"""Who throws the kill switch then."""

Thrown = tuple[str, str]
"""The scope that is to be stopped, and why."""


class ConsecutiveRejects:
    """Stops a symbol after so many refusals of the venue in a row (row 12 of the table of controls)."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._rejects: dict[str, int] = {}

    def on_order(self, order: Order) -> Thrown | None:
        """Look at a new state of an order; those that were refused here were no refusals of the venue."""
        if self._limit is None or order.verdict is not None:
            return None
        if order.state is not OrderState.REJECTED:
            # Working proves nothing yet: some venues take an order first and refuse it then.
            if order.filled_quantity or not order.is_open:
                self._rejects.pop(order.symbol, None)
            return None
        count = self._rejects[order.symbol] = self._rejects.get(order.symbol, 0) + 1
        if count < self._limit:
            return None
        del self._rejects[order.symbol]
        why = f"the venue refused {count} orders for {order.symbol} in a row, the last one because {order.reason or order.code}"
        return scope_of(symbol=order.symbol), why


class ExecutionThrottle:
    """Stops a strategy after so many executions within a minute (row 11 of the table of controls)."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._fills: dict[str, deque[int]] = {}

    def on_fill(self, fill: Fill, strategy: str) -> Thrown | None:
        """Count an execution of a strategy at the venue's time; one that nobody's strategy made counts for none."""
        if self._limit is None or not strategy:
            return None
        times = self._fills.setdefault(strategy, deque(maxlen=self._limit + 1))
        times.append(max(fill.time, times[-1]) if times else fill.time)  # a clock set back reopens no window
        if len(times) <= self._limit or times[-1] - times[0] >= MINUTE:
            return None
        times.clear()
        why = f"{strategy} traded more than {self._limit} times within a minute, the last time {fill.symbol}"
        return scope_of(strategy=strategy), why


class Latches:
    """Both of them, as the limits have them."""

    def __init__(self, limits: LiveRiskConfig) -> None:
        self.rejects = ConsecutiveRejects(limits.max_consecutive_rejects)
        self.throttle = ExecutionThrottle(limits.max_strategy_fills_per_minute)
