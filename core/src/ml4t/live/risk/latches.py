"""What stops a symbol or a strategy by itself, until a person lets it go on (rows 11 and 12 of the table of controls)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

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
        self.rows: dict[str, int] = {}
        """Refusals in a row, by symbol."""
        self._taken: dict[str, tuple[str, int]] = {}
        """The order that the venue took last, by symbol, and the row that it ended."""

    def on_order(self, order: Order) -> Thrown | None:
        """Look at a new state of an order; those that were refused here were no refusals of the venue."""
        if self._limit is None or order.verdict is not None:
            return None
        if order.state is not OrderState.REJECTED:
            if order.state in {OrderState.WORKING, OrderState.PARTIALLY_FILLED, OrderState.FILLED}:
                self._take(order)
            return None
        taken, row = self._taken.pop(order.symbol, ("", 0))
        if taken != order.order_id:  # else it was acknowledged and refused after all, and has ended nothing
            row = self.rows.get(order.symbol, 0)
        count = self.rows[order.symbol] = row + 1
        if count < self._limit:
            return None
        del self.rows[order.symbol]
        why = f"the venue refused {count} orders for {order.symbol} in a row, the last one because {order.reason or order.code}"
        return scope_of(symbol=order.symbol), why

    def _take(self, order: Order) -> None:
        row = self.rows.pop(order.symbol, 0)
        if self._taken.get(order.symbol, ("", 0))[0] != order.order_id:
            self._taken[order.symbol] = (order.order_id, row)


class ExecutionThrottle:
    """Stops a strategy after so many executions within a minute (row 11 of the table of controls)."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self.fills: dict[str, deque[int]] = {}
        """When the latest executions were, nanoseconds UTC, by strategy."""

    def on_fill(self, fill: Fill, strategy: str) -> Thrown | None:
        """Count an execution of a strategy at the venue's time; one that nobody's strategy made counts for none."""
        if self._limit is None or not strategy:
            return None
        times = self.fills.setdefault(strategy, deque(maxlen=self._limit + 1))
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
        self._fills = limits.max_strategy_fills_per_minute
        self.on = limits.max_consecutive_rejects is not None or self._fills is not None

    def state(self) -> dict[str, Any]:
        """Return what they have counted, as plain values: a process that starts again and again must not escape them."""
        return {"rejects": self.rejects.rows, "fills": {name: list(times) for name, times in self.throttle.fills.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self.rejects.rows.update(state["rejects"])
        if self._fills is not None:
            kept = {name: deque(times, maxlen=self._fills + 1) for name, times in state["fills"].items()}
            self.throttle.fills.update(kept)
