"""The sector cap."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from ml4t.live.contracts import RiskView
from ml4t.live.model import ALLOW, Order, OrderSide, Verdict, refuse
from risk_sector_cap.config import SectorCapConfig

_ROUNDING = 1e-9
"""A quarter of the equity in three parts may add up to a hair more than a quarter."""


class SectorCap:
    """Refuses an order that could lift its sector above the cap, whatever becomes of the open orders.

    Codes: `sector_cap` (limit and value are fractions of equity), `sector_unknown`, `sector_no_price`, `sector_no_equity`.
    """

    exempts_reducing = True

    def __init__(self, config: SectorCapConfig) -> None:
        self._config = config

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Return `ALLOW`, or a refusal."""
        sector = self._config.sectors.get(order.symbol)
        if sector is None:
            return self._unknown(order)
        equity = view.equity
        if not (equity > 0 and isfinite(equity)):  # NaN is not greater than 0 either
            return refuse("sector_no_equity", f"the weight of a sector cannot be told from an equity of {equity:,.2f}")
        exposure = 0.0
        for symbol in self._exposed(sector, order, view):
            quantity = _worst_case(symbol, order, view)
            price = view.market.price(symbol)
            if price is None or not (price > 0 and isfinite(price)):
                return refuse("sector_no_price", f"{symbol} has no price, so the weight of {sector} is unknown")
            held = view.positions.get(symbol)
            exposure += quantity * price * (held.multiplier if held is not None else 1.0)
        return self._verdict(sector, exposure / equity)

    def _unknown(self, order: Order) -> Verdict:
        if self._config.unknown == "ignore":
            return ALLOW
        return refuse("sector_unknown", f'{order.symbol} has no sector; add it to sectors, or set unknown = "ignore"')

    def _exposed(self, sector: str, order: Order, view: RiskView) -> Iterable[str]:
        symbols = [order.symbol, *view.positions, *(other.symbol for other in view.open_orders)]
        return dict.fromkeys(symbol for symbol in symbols if self._config.sectors.get(symbol) == sector)

    def _verdict(self, sector: str, weight: float) -> Verdict:
        limit = self._config.max_weight
        if weight <= limit * (1 + _ROUNDING):
            return ALLOW
        reason = f"{sector} could reach {weight * 100:.1f} % of equity, over the cap of {limit * 100:g} %"
        return refuse("sector_cap", reason, limit=limit, value=weight)


def _worst_case(symbol: str, order: Order, view: RiskView) -> float:
    """Return the largest absolute quantity of `symbol` that `order` and the open orders could lead to."""
    low, high = view.projected(symbol)
    if symbol == order.symbol:
        if order.side is OrderSide.BUY:
            high += order.remaining
        else:
            low -= order.remaining
    return max(abs(low), abs(high))
