"""What a risk check may look at: one object over the live books, made once and read by every check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ml4t.live.contracts.market import MarketView
from ml4t.live.model import Order, OrderSide, Position
from ml4t.live.orders.book import OrderBook
from ml4t.live.portfolio import Portfolio


class Books:
    """The engine's books behind the `RiskView` contract."""

    def __init__(self, market: MarketView, portfolio: Portfolio, orders: OrderBook) -> None:
        self.now = 0
        self.market = market
        self.portfolio = portfolio
        self.orders = orders

    @property
    def positions(self) -> Mapping[str, Position]:
        """The holdings that are not zero."""
        return self.portfolio.positions

    @property
    def open_orders(self) -> Sequence[Order]:
        """Every order that may still trade."""
        return self.orders.open_orders

    @property
    def equity(self) -> float:
        """Cash plus positions at their marks."""
        return self.portfolio.equity

    @property
    def cash(self) -> float:
        """Cash in the account."""
        return self.portfolio.cash

    def position(self, symbol: str) -> float:
        """Return the signed quantity held."""
        return self.portfolio.quantity(symbol)

    def projected(self, symbol: str) -> tuple[float, float]:
        """Return the lowest and highest signed quantity that open orders could still lead to."""
        held = self.portfolio.quantity(symbol)
        buying, selling = self.orders.working(symbol)
        return held - selling, held + buying

    def worst_case(self, order: Order) -> float:
        """Return the largest absolute quantity that `order`, on top of all open ones, could lead to on its side."""
        low, high = self.projected(order.symbol)
        return abs(high + order.remaining) if order.side is OrderSide.BUY else abs(low - order.remaining)

    def recent(self, since: int) -> Iterator[Order]:
        """Return the orders that passed the gate after `since` (nanoseconds UTC), newest first."""
        return self.orders.recent(since)

    @property
    def open_count(self) -> int:
        """How many orders may still trade."""
        return self.orders.open_count

    def mark(self, symbol: str) -> float | None:
        """Return the last trusted price of a symbol, or else what its holding was last valued at; None if unknown."""
        last = self.market.price(symbol)
        if last is not None:
            return last
        holding = self.portfolio.holdings.get(symbol)
        return None if holding is None else holding.mark

    def price(self, order: Order) -> float | None:
        """Return the price to value `order` at: the highest of its own prices and the last trusted one."""
        last = self.market.price(order.symbol)
        own = order.limit_price if order.limit_price is not None else order.stop_price
        if last is None:
            return own
        return last if own is None else max(last, own)

    def reduces(self, order: Order) -> bool:
        """Return True when the order can only bring the position nearer zero, whatever fills before it."""
        held = self.portfolio.quantity(order.symbol)
        buying, selling = self.orders.working(order.symbol)
        if order.side is OrderSide.SELL:
            return held > 0 and order.remaining + selling <= held
        return held < 0 and order.remaining + buying <= -held

    def exposures(self) -> Iterator[tuple[str, float]]:
        """Yield each symbol that is held or being ordered with its worst-case absolute quantity."""
        symbols = dict.fromkeys(symbol for symbol, line in self.portfolio.holdings.items() if line.quantity)
        symbols.update(dict.fromkeys(self.orders.working_symbols()))
        for symbol in symbols:
            low, high = self.projected(symbol)
            yield symbol, max(abs(low), abs(high))
