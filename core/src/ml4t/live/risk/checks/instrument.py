"""The venue's grid of prices and quantities (row 5 of the table of controls)."""

from __future__ import annotations

from math import isfinite

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, Verdict, refuse
from ml4t.live.risk.checks.order import no_price

_HAIR = 1e-9
"""A multiple of a step up to this share of the step: 0.3 is three times 0.1."""


class OrderGrid:
    """Refuses prices off the tick, quantities off the lot, and orders below the smallest (row 5 of the table of controls).

    What is left of a position may be smaller than the smallest order: orders that only reduce risk pass.
    """

    exempts_reducing = True

    def __init__(
        self,
        price_tick: float | None = None,
        lot_size: float | None = None,
        min_shares: float | None = None,
        min_value: float | None = None,
    ) -> None:
        self._price_tick = price_tick
        self._lot_size = lot_size
        self._min_shares = min_shares
        self._min_value = min_value

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse what the venue's rules would."""
        lot, tick = self._lot_size, self._price_tick
        if lot is not None and not _on_grid(order.quantity, lot):
            return refuse("lot_size", f"the quantity is no multiple of {lot:g}", limit=lot, value=order.quantity)
        for price in (order.limit_price, order.stop_price):
            if tick is not None and price is not None and not _on_grid(price, tick):
                return refuse("price_tick", f"the price is no multiple of {tick:g}", limit=tick, value=price)
        least = self._min_shares
        if least is not None and not order.quantity >= least:
            return refuse("min_order_shares", f"the order is smaller than {least:g}", limit=least, value=order.quantity)
        return self._worth(order, view)

    def _worth(self, order: Order, view: RiskView) -> Verdict:
        least = self._min_value
        if least is None:
            return ALLOW
        price = order.limit_price if order.limit_price is not None else view.market.price(order.symbol)
        if price is None:
            return no_price(order)
        value = order.quantity * price
        if value >= least:
            return ALLOW
        return refuse("min_order_value", f"the order is worth {value:,.2f}, less than {least:,.2f}", limit=least, value=value)


def _on_grid(value: float, step: float) -> bool:
    if not isfinite(value):
        return False
    steps = value / step
    return abs(steps - round(steps)) <= _HAIR * max(1.0, abs(steps))
