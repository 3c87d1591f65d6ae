"""What may be sold short (row 34 of the table of controls)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, OrderSide, Verdict, refuse


class ShortSales:
    """Refuses sells that could end below zero, all or those not on the locate list (row 34 of the table of controls)."""

    exempts_reducing = True

    def __init__(self, allow: bool, shortable: AbstractSet[str]) -> None:
        self._allow = allow
        self._shortable = frozenset(shortable)

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse a short sale that is not allowed."""
        if order.side is OrderSide.BUY or not view.shorts(order):
            return ALLOW
        low, _ = view.projected(order.symbol)
        if not self._allow:
            return refuse("no_shorts", "shorts are off, and it could end below zero", limit=low, value=order.quantity)
        if self._shortable and order.symbol not in self._shortable:
            return refuse("not_shortable", f"{order.symbol} is not in shortable_assets", limit=low, value=order.quantity)
        return ALLOW
