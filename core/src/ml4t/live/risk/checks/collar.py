"""Bands round a reference that the order itself does not move (rows 1 and 2 of the table of controls)."""

from __future__ import annotations

from itertools import islice

from ml4t.live.contracts.market import SymbolView
from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, OrderSide, Verdict, refuse
from ml4t.live.risk.checks.bounds import at_most
from ml4t.live.risk.checks.order import is_price

OBSERVATIONS = 20
"""Observations of a symbol that make a reference."""


class PriceDrift:
    """Caps how far a price may drift in twenty observations, on the side that hurts (row 1 of the table of controls).

    The collar over a period: prices that walk away in small steps pass a collar round the last one. A symbol that has been
    observed less often is judged by its first price; one that has not been observed is refused.
    """

    exempts_reducing = True

    def __init__(self, fraction: float) -> None:
        self._fraction = fraction

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse a price that has drifted too far."""
        state = view.market.get(order.symbol)
        prices = state.prices if state is not None else ()
        if state is None or not prices:
            return _no_reference(order)
        reference = prices[-min(OBSERVATIONS + 1, len(prices))]
        away = (_expected(order, state) - reference) * order.side.sign / reference
        return at_most("max_price_drift", "the price has drifted by", away, self._fraction)


class MarketCollar:
    """Caps how far from the recent mean a market or stop order may be expected to fill (row 2 of the table of controls).

    It is expected to fill at the far touch of the quote, at the last price without one, and a stop at its own price where
    that is worse. The mean leaves the newest observation out, which may be the bad one; without an earlier one it refuses.
    """

    exempts_reducing = True

    def __init__(self, fraction: float) -> None:
        self._fraction = fraction

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order that is expected to fill too far away."""
        if order.limit_price is not None:
            return ALLOW
        state = view.market.get(order.symbol)
        earlier = list(islice(reversed(state.prices), 1, OBSERVATIONS + 1)) if state is not None else []
        if state is None or not earlier:
            return _no_reference(order)
        reference = sum(earlier) / len(earlier)
        away = (_expected(order, state) - reference) * order.side.sign / reference
        return at_most("max_market_deviation", "the order is expected to fill away by", away, self._fraction)


def _expected(order: Order, state: SymbolView) -> float:
    """Return the worst price at which an order is expected to fill; NaN when nothing says it."""
    if order.limit_price is not None:
        return order.limit_price
    last = state.price
    if not is_price(last):
        return float("nan")
    touch = state.ask if order.side is OrderSide.BUY else state.bid
    worse = max if order.side is OrderSide.BUY else min
    expected = last if touch is None else worse(last, touch)
    return expected if order.stop_price is None else worse(expected, order.stop_price)


def _no_reference(order: Order) -> Verdict:
    return refuse("no_reference", f"{order.symbol} has not been observed long enough to say what a fair price is")
