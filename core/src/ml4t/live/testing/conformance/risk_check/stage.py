"""A market whose prices can be made nonsense, and that knows which of them were looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml4t.live.market import MarketState
from ml4t.live.orders.book import OrderBook
from ml4t.live.portfolio import Portfolio
from ml4t.live.risk.books import Books
from ml4t.live.sessions import Calendar


class StagedMarket:
    """A real market state, seen through what was staged: `None` is a symbol that was never heard of."""

    def __init__(self, calendar: Calendar) -> None:
        self.state = MarketState(candles=(60_000_000_000,), calendar=calendar)
        self.staged: dict[str, float | None] = {}
        self.read: set[str] = set()
        """The symbols of which a price was looked at."""
        self.asked_calendar = False

    @property
    def calendar(self) -> Calendar:
        """The calendar of the state."""
        self.asked_calendar = True
        return self.state.calendar

    @property
    def symbols(self) -> Mapping[str, StagedSymbol]:
        """The symbols that have been heard of."""
        return {symbol: seen for symbol in self.state.symbols if (seen := self.get(symbol)) is not None}

    def get(self, symbol: str) -> StagedSymbol | None:
        """Return a symbol, None for one that is staged as never heard of."""
        state = self.state.get(symbol)
        if symbol in self.staged and self.staged[symbol] is None:
            self.read.add(symbol)
            return None
        return None if state is None else StagedSymbol(self, symbol, state)

    def price(self, symbol: str) -> float | None:
        """Return the last price, or what is staged instead."""
        self.read.add(symbol)
        return self.staged[symbol] if symbol in self.staged else self.state.price(symbol)

    def correlation(self, first: str, second: str, interval: int, window: int) -> float | None:
        """Return what the state says."""
        return self.state.correlation(first, second, interval, window)


class StagedSymbol:
    """One symbol of a staged market: price, bid and ask are what is staged, the rest is as it is."""

    def __init__(self, market: StagedMarket, symbol: str, state: Any) -> None:
        self._market = market
        self._state = state
        self.symbol = symbol

    @property
    def price(self) -> float | None:
        """The last price."""
        return self._market.price(self.symbol)

    @property
    def bid(self) -> float | None:
        """The best bid."""
        return self._quoted(self._state.bid)

    @property
    def ask(self) -> float | None:
        """The best ask."""
        return self._quoted(self._state.ask)

    def _quoted(self, real: float | None) -> float | None:
        self._market.read.add(self.symbol)
        return self._market.staged.get(self.symbol, real)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)


class StagedBooks(Books):
    """Real books over a staged market."""

    def __init__(self, cash: float, calendar: Calendar) -> None:
        self.stage = StagedMarket(calendar)
        super().__init__(self.stage, Portfolio(cash), OrderBook())
