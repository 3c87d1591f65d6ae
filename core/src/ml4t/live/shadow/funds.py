"""Whether the account can pay for a fill."""

from __future__ import annotations

from ml4t.live.market import MarketState
from ml4t.live.model import Order
from ml4t.live.portfolio import Portfolio

Problem = tuple[str, str]
"""A stable code, and the reason in words."""


class Funds:
    """The buying power of an account: gross exposure, longs and shorts added, may not exceed `leverage` times equity.

    Initial margin is therefore 1 / `leverage` of what is bought or sold short. With a `maintenance_margin` (a share of gross
    exposure) nothing adds to the exposure while equity is below it.
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
        """How much more may be bought or sold short, in account currency, at the last trusted prices; never below zero."""
        self._value()
        return max(0.0, self._portfolio.equity * self._leverage - self._gross())

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
        self._value()
        equity = self._portfolio.equity
        needed = 0.0 if self._maintenance is None else self._gross() * self._maintenance
        if equity < needed:
            return "margin_call", f"equity of {equity:,.2f} is below the maintenance margin of {needed:,.2f}"
        gross = self._gross(without=order.symbol) + abs(after) * price * self._portfolio.multiplier(order.symbol)
        equity -= commission
        if gross > equity * self._leverage * (1 + 1e-9):
            on = f"equity of {equity:,.2f}" + (f" times {self._leverage:g}" if self._leverage != 1 else "")
            return "insufficient_buying_power", f"gross exposure would be {gross:,.2f} on {on}"
        return None

    def _value(self) -> None:
        for symbol, line in self._portfolio.holdings.items():
            last = self._market.price(symbol)
            if line.quantity and last is not None:
                self._portfolio.mark(symbol, last)

    def _gross(self, without: str = "") -> float:
        return sum(abs(line.market_value) for symbol, line in self._portfolio.holdings.items() if symbol != without)
