"""What a conformance run needs of a risk check, and the books that it is asked on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import nan

from attrs import define, field
from attrs.validators import min_len

from ml4t.live.contracts.risk import RiskCheck
from ml4t.live.market import MarketState
from ml4t.live.model import Order, OrderSide, OrderType, Position, Quote, Trade
from ml4t.live.sessions import ALWAYS, Calendar
from ml4t.live.testing.conformance.part import PartRig
from ml4t.live.testing.conformance.risk_check.stage import StagedBooks
from ml4t.live.times import NANOS

TUESDAY = 1_709_650_800 * NANOS
"""2024-03-05 15:00 UTC, at which most markets are open."""
SIZES = (1.0, 100.0, 1e9)
HISTORY = 120
"""Trades and quotes that every symbol has behind it, one a second."""

BAD_PRICES = {"no": None, "a NaN": nan, "a zero": 0.0, "a negative": -1.0}


@define(kw_only=True)
class RiskCheckRig(PartRig):
    """A risk check and the market that it is asked in.

    `check` makes a new one. Of the `symbols` the first is flat, and the others are held; all trade at `price`, at `time`
    (nanoseconds UTC) by the `calendar`, in an account with `cash` besides. The check has the `budget_ms` of the gate.
    """

    check: Callable[[], RiskCheck]
    symbols: Sequence[str] = field(default=("AAA", "BBB"), validator=min_len(1))
    price: float = 100.0
    cash: float = 100_000.0
    time: int = TUESDAY
    calendar: Calendar = ALWAYS
    budget_ms: float = 50.0

    def books(self, *others: str) -> StagedBooks:
        """Return new books; of `others` a position and a working order each, too."""
        books = StagedBooks(self.cash, self.calendar)
        held = {symbol: Position(symbol, 10.0, self.price, self.price) for symbol in (*self.symbols[1:], *others)}
        books.portfolio.restore(self.cash, held)
        books.now = self.time
        for symbol in (self.symbols[0], *held):
            self._trade(books.stage.state, symbol)
        for number, symbol in enumerate(held):
            books.orders.put(self.order(symbol, OrderSide.BUY, 5.0, OrderType.LIMIT, order_id=f"working-{number}"))
        return books

    def orders(self) -> list[Order]:
        """Return one order of every sort: each symbol, both sides, small and absurd, at the market and at a price."""
        return [
            self.order(symbol, side, size, kind)
            for symbol in self.symbols
            for side in OrderSide
            for size in SIZES
            for kind in (OrderType.MARKET, OrderType.LIMIT, OrderType.STOP)
        ]

    def order(
        self, symbol: str, side: OrderSide, quantity: float, kind: OrderType = OrderType.MARKET, *, order_id: str = ""
    ) -> Order:
        """Return an order at the price of the market."""
        limit = self.price if kind is OrderType.LIMIT else None
        stop = self.price if kind is OrderType.STOP else None
        name = order_id or f"{symbol}-{side}-{quantity:g}-{kind}"
        return Order(name, symbol, side, quantity, kind, limit, stop, created_at=self.time, strategy="kit", cause="kit")

    def _trade(self, market: MarketState, symbol: str) -> None:
        """Let a symbol trade up to now, a little up and a little down."""
        for second in range(HISTORY, 0, -1):
            at, price = self.time - second * NANOS, self.price * (1.0 + 0.0001 * (second % 3 - 1))
            market.apply(Trade(symbol, at, price, 1_000.0), at)
        at = self.time - NANOS // 2
        market.apply(Quote(symbol, at, self.price * 0.9999, self.price * 1.0001, 500.0, 500.0), at)
        market.apply(Trade(symbol, at + 1, self.price, 1_000.0), at + 1)
