"""Limits on what a day has brought: turnover, results, streaks (rows 24, 28 and 29 of the table of controls)."""

from __future__ import annotations

from collections.abc import Iterable

from ml4t.live.contracts.risk import RiskView, TallyLine
from ml4t.live.model import ALLOW, Order, Verdict, refuse
from ml4t.live.risk.checks.bounds import at_most
from ml4t.live.risk.checks.order import no_price
from ml4t.live.times import NANOS


class MaxDailyTurnover:
    """Caps the value of all orders of a day, also those that were cancelled (row 24 of the table of controls)."""

    exempts_reducing = True

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order that would lift the sum over the limit."""
        price = view.price(order)
        if price is None:
            return no_price(order)
        value = view.tallies.value_sent + order.quantity * price
        return at_most("max_daily_turnover", "the orders of today would be worth", value, self._limit)


class MaxSymbolLoss:
    """Refuses new risk in a symbol that has lost the limit since the day began (row 28 of the table of controls)."""

    exempts_reducing = True

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse when the symbol's loss, realised and open, has reached the limit."""
        lines = view.tallies.of_symbol(order.symbol).values()
        return _lost("max_symbol_loss", order.symbol, ((order.symbol, line) for line in lines), view, self._limit)


class MaxStrategyLoss:
    """Refuses new risk to a strategy that has lost the limit since the day began (row 28 of the table of controls)."""

    exempts_reducing = True

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse when the strategy's loss, realised and open, has reached the limit."""
        lines = view.tallies.of_strategy(order.strategy).items()
        return _lost("max_strategy_loss", order.strategy or "the strategy", lines, view, self._limit)


class LosingStreak:
    """Refuses new risk after several losing exits in a row, for a while (row 29 of the table of controls).

    With a cooldown, in seconds, it ends that long after the last loss, and the next loss begins it again; without one it
    lasts until the day ends. An exit that neither earns nor loses changes nothing.
    """

    exempts_reducing = True

    def __init__(self, limit: int, cooldown_seconds: float | None) -> None:
        self._limit = limit
        self._cooldown = None if cooldown_seconds is None else round(cooldown_seconds * NANOS)

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse while a streak lasts."""
        streak = view.tallies.losing_streak
        if streak < self._limit:
            return ALLOW
        if self._cooldown is not None and view.now - view.tallies.last_loss_at >= self._cooldown:
            return ALLOW
        return refuse(
            "max_losing_streak", f"{streak} exits in a row have lost today", limit=float(self._limit), value=float(streak)
        )


def _lost(code: str, who: str, lines: Iterable[tuple[str, TallyLine]], view: RiskView, limit: float) -> Verdict:
    loss = 0.0
    for symbol, line in lines:
        result = line.result(view.mark(symbol))
        if result is None:
            return refuse("no_price", f"no price is known for {symbol}, so its result cannot be summed")
        loss -= result
    if loss < limit:  # reaching it is breaking it, as for every loss limit
        return ALLOW
    return refuse(code, f"{who} is down {loss:,.2f} today, and the limit is {limit:,.2f}", limit=limit, value=loss)
