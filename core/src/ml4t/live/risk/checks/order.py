"""Limits on a single order (rows 3 and 4 of the table of controls)."""

from __future__ import annotations

from typing import TypeGuard

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, Verdict, refuse

NO_PRICE = "no_price"


def no_price(order: Order) -> Verdict:
    """Return the refusal of an order that cannot be valued: a limit without its input refuses."""
    return refuse(NO_PRICE, f"no price is known for {order.symbol}, so the order cannot be valued")


def is_price(price: float | None) -> TypeGuard[float]:
    """Return True for a price that something can be valued at; NaN is not above zero either."""
    return price is not None and price > 0.0


class MaxOrderValue:
    """Caps the value of one order at its own price or the last, whichever is higher; in account currency."""

    exempts_reducing = True

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order worth more than the limit."""
        price = view.price(order)
        if price is None:
            return no_price(order)
        value = order.quantity * price
        if not value <= self._limit:  # NaN is no value within a limit, here and in every other check
            return refuse(
                "max_order_value",
                f"the order is worth {value:,.2f}, over the limit of {self._limit:,.2f}",
                limit=self._limit,
                value=value,
            )
        return ALLOW


class MaxOrderShares:
    """Caps the quantity of one order, in units of the instrument."""

    exempts_reducing = True

    def __init__(self, limit: float) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order larger than the limit."""
        if not order.quantity <= self._limit:
            return refuse(
                "max_order_shares",
                f"the order is for {order.quantity:,g}, over the limit of {self._limit:,g}",
                limit=self._limit,
                value=order.quantity,
            )
        return ALLOW
