"""What one decision may send (rows 14 and 22 of the table of controls)."""

from __future__ import annotations

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import Order, Verdict, refuse
from ml4t.live.risk.checks.bounds import at_most


class MaxOrdersPerDecision:
    """Caps the orders that one decision sends in one symbol (row 14 of the table of controls).

    The decision is the order's `cause`: a firing, a forecast, or the reason given. An order without one is refused.
    """

    exempts_reducing = True

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse the order that would be one too many."""
        if not order.cause:
            return refuse("no_cause", "nothing says what the order is due to; give submit_order a reason")
        count = view.tallies.orders_of(order)
        return at_most("max_orders_per_decision", "orders of this decision would be", count + 1, self._limit)


class MaxOpenOrdersPerSymbol:
    """Caps the orders of one symbol that may still trade (row 22 of the table of controls)."""

    exempts_reducing = True

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse the order that would be one too many."""
        count = view.open_in(order.symbol)
        return at_most("max_open_orders_per_symbol", "open orders in the symbol would be", count + 1, self._limit)
