"""Limits on what is held, open orders counted as filled (rows 15, 17 and 21 of the table of controls)."""

from __future__ import annotations

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, Verdict, refuse
from ml4t.live.risk.checks.order import no_price


class MaxPositionValue:
    """Caps the value of one position in its worst case, in account currency."""

    exempts_reducing = True

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order whose fill, on top of all open ones, could exceed the limit."""
        price = view.price(order)
        if price is None:
            return no_price(order)
        value = view.worst_case(order) * price
        if not value <= self._limit:
            return refuse(
                "max_position_value",
                f"the position could reach {value:,.2f}, over the limit of {self._limit:,.2f}",
                limit=self._limit,
                value=value,
            )
        return ALLOW


class MaxPositionShares:
    """Caps the quantity of one position in its worst case."""

    exempts_reducing = True

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order whose fill, on top of all open ones, could exceed the limit."""
        quantity = view.worst_case(order)
        if not quantity <= self._limit:
            return refuse(
                "max_position_shares",
                f"the position could reach {quantity:,g}, over the limit of {self._limit:,g}",
                limit=self._limit,
                value=quantity,
            )
        return ALLOW


class MaxPositions:
    """Caps the number of symbols held; a symbol with an open order counts as held."""

    exempts_reducing = True

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order that would open one position too many."""
        if any(view.projected(order.symbol)):
            return ALLOW
        taken = sum(1 for _ in view.exposures())
        if taken < self._limit:
            return ALLOW
        return refuse(
            "max_positions",
            f"{taken} positions are open or being opened, and {self._limit} are allowed",
            limit=self._limit,
            value=taken + 1,
        )


class MaxTotalExposure:
    """Caps the sum of the worst cases of all positions, longs and shorts added, in account currency."""

    exempts_reducing = True

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order that could lift the sum over the limit."""
        price = view.price(order)
        if price is None:
            return no_price(order)
        low, high = view.projected(order.symbol)
        total = max(view.worst_case(order), abs(low), abs(high)) * price
        for symbol, quantity in view.exposures():
            if symbol == order.symbol:
                continue
            mark = view.mark(symbol)
            if mark is None:
                return refuse("no_price", f"no price is known for {symbol}, so the exposure cannot be summed")
            total += quantity * mark
        if not total <= self._limit:
            return refuse(
                "max_total_exposure",
                f"the total exposure could reach {total:,.2f}, over the limit of {self._limit:,.2f}",
                limit=self._limit,
                value=total,
            )
        return ALLOW
