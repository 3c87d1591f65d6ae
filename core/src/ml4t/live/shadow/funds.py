"""Whether the account can pay for a fill."""

from __future__ import annotations

from ml4t.live.market import MarketState
from ml4t.live.model import Order
from ml4t.live.portfolio import Portfolio

Problem = tuple[str, str]
"""A stable code, and the reason in words."""


class Funds:
    """The buying power of an account without leverage: gross exposure may not exceed equity."""

    def __init__(self, portfolio: Portfolio, market: MarketState, *, allow_shorts: bool) -> None:
        self._portfolio = portfolio
        self._market = market
        self._allow_shorts = allow_shorts

    def problem(self, order: Order, quantity: float, price: float, commission: float) -> Problem | None:
        """Return why `quantity` of an order cannot trade at `price` for `commission` (money), None when it can.

        What brings a position nearer zero always can. Holdings are valued at the last trusted prices.
        """
        held = self._portfolio.quantity(order.symbol)
        after = held + order.side.sign * quantity
        if after < min(held, 0.0) and not self._allow_shorts:
            return "shorts_not_allowed", f"the fill would leave {after:g} {order.symbol}, and the account may not be short"
        if abs(after) <= abs(held):
            return None
        for symbol, line in self._portfolio.holdings.items():
            last = self._market.price(symbol)
            if line.quantity and last is not None:
                self._portfolio.mark(symbol, last)
        others = sum(abs(line.market_value) for s, line in self._portfolio.holdings.items() if s != order.symbol)
        gross = others + abs(after) * price
        equity = self._portfolio.equity - commission
        if gross > equity * (1 + 1e-9):
            return "insufficient_buying_power", f"gross exposure would be {gross:,.2f} on equity of {equity:,.2f}"
        return None
