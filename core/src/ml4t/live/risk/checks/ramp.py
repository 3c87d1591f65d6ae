"""A careful start (row 47 of the table of controls)."""

from __future__ import annotations

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, Verdict
from ml4t.live.risk.checks.bounds import at_most
from ml4t.live.risk.checks.order import no_price
from ml4t.live.times import NANOS


class RampUp:
    """Caps number and value of orders for some seconds from a process's first order on (row 47 of the table of controls)."""

    exempts_reducing = True

    def __init__(self, seconds: float, order_value: float | None, orders: int | None) -> None:
        self._window = round(seconds * NANOS)
        self._order_value = order_value
        self._orders = orders

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order that is too much for a start."""
        started = view.tallies.started
        if started and view.now - started >= self._window:
            return ALLOW
        if self._orders is not None and view.tallies.sent_since_start >= self._orders:
            count = view.tallies.sent_since_start + 1
            return at_most("ramp_up_orders", "orders since the start would be", count, self._orders)
        if self._order_value is None:
            return ALLOW
        price = view.price(order)
        if price is None:
            return no_price(order)
        return at_most("ramp_up_order_value", "the order is worth", order.quantity * price, self._order_value)
