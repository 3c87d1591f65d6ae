"""Whether the account can pay for a fill."""

from __future__ import annotations

from ml4t.live.market import MarketState
from ml4t.live.model import Order
from ml4t.live.portfolio import Portfolio

Problem = tuple[str, str]
"""A stable code, and the reason in words."""


class Funds:
    """The margin of an account: gross exposure may not exceed equity times `leverage`.

    Equity is cash plus positions at their marks: the proceeds of a short are cash and its value is owed, so that opening
    one leaves equity as it was, and its losses shrink it. Below `maintenance_margin` (equity as a fraction of gross
    exposure) nothing is opened any more.
    """

    def __init__(
        self,
        portfolio: Portfolio,
        market: MarketState,
        *,
        allow_shorts: bool,
        leverage: float = 1.0,
        maintenance_margin: float | None = None,
    ) -> None:
        self._portfolio = portfolio
        self._market = market
        self._allow_shorts = allow_shorts
        self._leverage = leverage
        self._maintenance = maintenance_margin

    @property
    def buying_power(self) -> float:
        """What may still be opened, in account currency: equity times leverage less gross exposure, at the last prices."""
        self._mark()
        return self._portfolio.equity * self._leverage - self._gross("")

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
        self._mark()
        equity = self._portfolio.equity - commission
        gross = self._gross("")
        if self._maintenance is not None and equity < gross * self._maintenance:
            margin = f"the margin is {equity / gross:.2%}, and {self._maintenance:.2%} must be maintained"
            return "maintenance_margin", f"{margin}: nothing is opened before positions are closed"
        gross = self._gross(order.symbol) + abs(after) * price
        if gross > equity * self._leverage * (1 + 1e-9):
            times = "" if self._leverage == 1.0 else f" times {self._leverage:g}"
            return "insufficient_buying_power", f"gross exposure would be {gross:,.2f} on equity of {equity:,.2f}{times}"
        return None

    def _mark(self) -> None:
        for symbol, line in self._portfolio.holdings.items():
            last = self._market.price(symbol)
            if line.quantity and last is not None:
                self._portfolio.mark(symbol, last)

    def _gross(self, without: str) -> float:
        return sum(abs(line.market_value) for symbol, line in self._portfolio.holdings.items() if symbol != without)
