"""What the checks count: messages, executions, the day's turnover and results. Bounded, and O(1) per event."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import Any

from ml4t.live.model import Fill, Order

KEPT = 20_000
"""Moments that a window remembers at least, and decisions whose orders are counted."""

_DAY = ("value_sent", "messages_today", "fills_today", "losing_streak", "last_loss_at", "last_loss_order")


DUST = 1e-9
"""What is left of a quantity that counts as nothing."""


def line_key(strategy: str, symbol: str) -> str:
    """Return the key of a line in the journal's `tally` state."""
    return f"{strategy}/{symbol}"


class Times:
    """When something happened, oldest first. A clock set back counts from the latest known moment: no window reopens."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: list[int] = []

    def add(self, moment: int) -> None:
        """Note that it happened at `moment` (nanoseconds UTC)."""
        times = self._times
        times.append(moment if not times or moment > times[-1] else times[-1])
        if len(times) >= 2 * KEPT:
            del times[:KEPT]

    def since(self, moment: int) -> int:
        """Return how often it happened after `moment`."""
        return len(self._times) - bisect_right(self._times, moment)


class Line:
    """What one strategy did in one symbol: its quantity, and the money that went in and out since the day began.

    The day's result is `quantity * mark + flow`: at the start of a day the flow is minus the value of what is held.
    """

    __slots__ = ("flow", "multiplier", "quantity")

    def __init__(self, quantity: float = 0.0, flow: float = 0.0, multiplier: float = 1.0) -> None:
        self.quantity = quantity
        self.flow = flow
        self.multiplier = multiplier

    def result(self, mark: float | None) -> float | None:
        """Return the day's result at `mark`; None when something is held and no mark is known."""
        if abs(self.quantity) <= DUST:
            return self.flow
        return None if mark is None else self.quantity * mark * self.multiplier + self.flow


class Tallies:
    """The counters behind the limits on rates, turnover, results and streaks; the desk keeps them.

    The day is that of the loss limits: whoever begins it calls `begin_day`.
    """

    def __init__(self) -> None:
        self.messages = Times()
        """Orders sent, orders refused, and cancels."""
        self.fills = Times()
        self.started = 0
        """The first decision since this process began, nanoseconds UTC; 0 before it."""
        self.sent_since_start = 0
        self.value_sent = 0.0
        """The value of the orders sent today, in account currency; what was cancelled counts."""
        self.messages_today = 0
        self.fills_today = 0
        self.losing_streak = 0
        """Closing orders in a row, today, that lost money."""
        self.last_loss_at = 0
        self.last_loss_order = ""
        self._by_symbol: dict[str, dict[str, Line]] = {}
        self._by_strategy: dict[str, dict[str, Line]] = {}
        self._decisions: dict[tuple[str, str, str], int] = {}

    # ------------------------------------------------------------------ what happens

    def message(self, now: int) -> None:
        """Count a refused order or a cancel."""
        self.messages.add(now)
        self.messages_today += 1

    def sent(self, order: Order, value: float) -> None:
        """Count an order that leaves, worth `value`."""
        self.started = self.started or order.created_at
        self.sent_since_start += 1
        self.message(order.created_at)
        self.value_sent += value
        self._decide(order)

    def filled(self, fill: Fill, strategy: str, earned: float, multiplier: float, now: int) -> None:
        """Count an execution; `earned` is what it realised, 0 when it closed nothing."""
        self.fills.add(now)
        self.fills_today += 1
        self._move(fill, strategy, multiplier, 1.0)
        if not earned:
            return
        if earned > fill.commission:
            self.losing_streak = 0
        elif fill.order_id != self.last_loss_order:  # the parts of one order are one loss
            self.losing_streak += 1
            self.last_loss_order = fill.order_id
        if earned <= fill.commission:
            self.last_loss_at = max(self.last_loss_at, now)

    def corrected(self, fill: Fill, replaced: Fill, strategy: str, multiplier: float) -> None:
        """Let an execution take the place of one that was counted: the money changes, and the number of trades does not."""
        self._move(replaced, strategy, multiplier, -1.0)
        self._move(fill, strategy, multiplier, 1.0)

    def begin_day(self, mark: Callable[[str], float | None]) -> list[tuple[str, dict[str, Any] | None]]:
        """Begin a day: its sums are zero, and what is held counts from `mark`.

        Returns the lines as the journal has to keep them, by key; None for one that has gone.
        """
        changed: list[tuple[str, dict[str, Any] | None]] = []
        self.value_sent, self.messages_today, self.fills_today = 0.0, 0, 0
        self.losing_streak, self.last_loss_at, self.last_loss_order = 0, 0, ""
        for symbol, lines in list(self._by_symbol.items()):
            price = mark(symbol)
            for strategy, line in list(lines.items()):
                if abs(line.quantity) <= DUST:
                    self._drop(strategy, symbol)
                    changed.append((line_key(strategy, symbol), None))
                    continue
                if price is not None:
                    line.flow = -line.quantity * price * line.multiplier
                changed.append((line_key(strategy, symbol), self.line(strategy, symbol)))
        return changed

    # ------------------------------------------------------------------ what checks ask

    def orders_of(self, order: Order) -> int:
        """Return how many orders the decision behind `order` has sent in its symbol."""
        return self._decisions.get((order.strategy, order.cause, order.symbol), 0)

    def of_symbol(self, symbol: str) -> Mapping[str, Line]:
        """Return the day's lines of a symbol by strategy."""
        return self._by_symbol.get(symbol, {})

    def of_strategy(self, strategy: str) -> Mapping[str, Line]:
        """Return the day's lines of a strategy by symbol."""
        return self._by_strategy.get(strategy, {})

    # ------------------------------------------------------------------ restarts

    def state(self) -> dict[str, Any]:
        """Return the day's sums, which must survive a restart."""
        return {name: getattr(self, name) for name in _DAY}

    def line(self, strategy: str, symbol: str) -> dict[str, Any]:
        """Return a line as plain values."""
        line = self._line(strategy, symbol)
        return {
            "strategy": strategy,
            "symbol": symbol,
            "quantity": line.quantity,
            "flow": line.flow,
            "multiplier": line.multiplier,
        }

    def restore(self, state: Mapping[str, Any], lines: Mapping[str, Mapping[str, Any]]) -> None:
        """Take back what `state` and `line` returned."""
        for name in _DAY:
            setattr(self, name, state.get(name, getattr(self, name)))
        for saved in lines.values():
            line = self._line(saved["strategy"], saved["symbol"])
            line.quantity, line.flow, line.multiplier = saved["quantity"], saved["flow"], saved["multiplier"]

    def recall(self, order: Order) -> None:
        """Count an order of an earlier process in the windows; the day's sums come from `restore`."""
        self.messages.add(order.created_at)
        if order.verdict is None:
            self._decide(order)

    # ------------------------------------------------------------------ inside

    def _move(self, fill: Fill, strategy: str, multiplier: float, direction: float) -> None:
        line = self._line(strategy, fill.symbol)
        line.multiplier = multiplier
        line.quantity += fill.signed_quantity * direction
        line.flow -= (fill.signed_quantity * fill.price * multiplier + fill.commission) * direction

    def _decide(self, order: Order) -> None:
        key = (order.strategy, order.cause, order.symbol)
        self._decisions[key] = self._decisions.pop(key, 0) + 1
        if len(self._decisions) > KEPT:
            del self._decisions[next(iter(self._decisions))]

    def _line(self, strategy: str, symbol: str) -> Line:
        line = self._by_symbol.setdefault(symbol, {}).setdefault(strategy, Line())
        return self._by_strategy.setdefault(strategy, {}).setdefault(symbol, line)

    def _drop(self, strategy: str, symbol: str) -> None:
        for outer, inner, key in ((self._by_symbol, symbol, strategy), (self._by_strategy, strategy, symbol)):
            del outer[inner][key]
            if not outer[inner]:
                del outer[inner]
