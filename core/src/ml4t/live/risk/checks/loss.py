"""Loss limits at the moment of an order (rows 26 and 27 of the table of controls); `LossWatch` looks on every mark."""

from __future__ import annotations

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, Verdict, refuse
from ml4t.live.risk.loss import LossWatch


class MaxDailyLoss:
    """Refuses new risk once the account has lost the limit since the start of the day, in account currency."""

    exempts_reducing = True

    def __init__(self, limit: float, losses: LossWatch) -> None:
        self._limit = limit
        self._losses = losses

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse when the day's loss has reached the limit."""
        loss = (self._losses.day_start or view.equity) - view.equity  # no day's start yet: nothing is lost
        latched = self._losses.breached_limit == "max_daily_loss"
        if not loss < self._limit or latched:
            return refuse(
                "max_daily_loss",
                self._losses.breached
                if latched
                else f"the account is down {loss:,.2f} today, and the limit is {self._limit:,.2f}",
                limit=self._limit,
                value=loss,
            )
        return ALLOW


class MaxDrawdown:
    """Refuses new risk once equity is the fraction below its high-water mark."""

    exempts_reducing = True

    def __init__(self, fraction: float, losses: LossWatch) -> None:
        self._fraction = fraction
        self._losses = losses

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse when the drawdown has reached the limit."""
        peak = max(self._losses.high_water_mark, view.equity)
        drawdown = 1.0 - view.equity / peak if peak > 0 else 1.0
        latched = self._losses.breached_limit == "max_drawdown"
        if not drawdown < self._fraction or latched:
            return refuse(
                "max_drawdown",
                self._losses.breached
                if latched
                else f"equity is {drawdown:.2%} below its high of {peak:,.2f}, and the limit is {self._fraction:.2%}",
                limit=self._fraction,
                value=drawdown,
            )
        return ALLOW
