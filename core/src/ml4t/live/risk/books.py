"""What a risk check may look at: one object over the live books, made once and read by every check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ml4t.live.contracts.market import MarketView
from ml4t.live.model import Account, Order, OrderSide, Position
from ml4t.live.orders.book import OrderBook
from ml4t.live.orders.states import DUST
from ml4t.live.portfolio import Portfolio
from ml4t.live.risk.tallies import Tallies


class Books:
    """The engine's books behind the `RiskView` contract."""

    def __init__(self, market: MarketView, portfolio: Portfolio, orders: OrderBook) -> None:
        self.now = 0
        self.market = market
        self.portfolio = portfolio
        self.orders = orders
        self.tallies = Tallies()
        self.account: Account | None = None
        """What the venue said of the balances last; None before it said anything."""

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

    def reserves(self, order: Order) -> float:
        """Return how much of an order counts on its side: for one that is not open yet, how much it would add."""
        return self.orders.reserves(order)

    def worst_case(self, order: Order) -> float:
        """Return the largest absolute quantity that `order`, on top of all open ones, could lead to on its side."""
        low, high = self.projected(order.symbol)
        adds = self.orders.reserves(order)
        return abs(high + adds) if order.side is OrderSide.BUY else abs(low - adds)

    def submitted_since(self, since: int) -> int:
        """Return how many orders passed the gate after `since` (nanoseconds UTC)."""
        return self.orders.submitted_since(since)

    def repeated(self, order: Order, since: int) -> Order | None:
        """Return the last order that passed the gate after `since` and asked for the same as `order`, None without one."""
        return self.orders.repeated(order, since)

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
        """Return the price to value `order` at: the highest of the last trusted price and its own; None without a last one.

        A last price that is not above zero is none: at zero every quantity would be within every limit on value.
        """
        price = self.market.price(order.symbol)
        if price is None or not price > 0.0:  # NaN is not above zero either
            return None
        if order.limit_price is not None and order.limit_price > price:
            price = order.limit_price
        if order.stop_price is not None and order.stop_price > price:
            price = order.stop_price
        return price

    def reduces(self, order: Order) -> bool:
        """Return True when the order can only bring the position nearer zero, whatever fills before it."""
        held = self.portfolio.quantity(order.symbol)
        if not held or (held > 0) is (order.side is OrderSide.BUY):
            return False
        buying, selling = self.orders.working(order.symbol)
        closing = self.orders.reserves(order) + (selling if held > 0 else buying)
        return closing <= abs(held) * (1.0 + DUST)  # parts add up to a hair more than their whole

    def shorts(self, order: Order) -> bool:
        """Return True when selling would end below zero even after every open buy."""
        held = self.portfolio.quantity(order.symbol)
        buying, selling = self.orders.working(order.symbol)
        return self.orders.reserves(order) + selling > (held + buying) * (1.0 + DUST)

    def exposures(self) -> Iterator[tuple[str, float]]:
        """Yield each symbol that is held or being ordered with its worst-case absolute quantity."""
        holdings, working = self.portfolio.holdings, self.orders.working
        for symbol, line in holdings.items():
            held = line.quantity
            buying, selling = working(symbol)
            if held or buying or selling:
                yield symbol, max(abs(held - selling), abs(held + buying))
        for symbol in self.orders.working_symbols():
            if symbol not in holdings:
                yield symbol, max(working(symbol))

    def open_in(self, symbol: str) -> int:
        """Return how many orders in a symbol may still trade."""
        return self.orders.open_in(symbol)

    @property
    def buying_power(self) -> float | None:
        """What may still be bought or sold short; None when an open order cannot be valued.

        The venue's figure where it gives one, else cash less what shorts owe; less what open orders could open.
        """
        reported = self.account.buying_power if self.account is not None else None
        power = reported
        if power is None:
            power = self.portfolio.cash + sum(min(0.0, line.market_value) for line in self.portfolio.holdings.values())
        closable: dict[str, float] = {}
        for order in self.orders.open_orders:
            price = self.price(order)
            if price is None:
                return None
            opening = self.orders.reserves(order)
            held = self.portfolio.quantity(order.symbol)
            if held and (held > 0) is not (order.side is OrderSide.BUY):
                left = closable.get(order.symbol, abs(held))
                closable[order.symbol] = max(0.0, left - opening)
                opening = max(0.0, opening - left)
            power -= opening * price
        return power
