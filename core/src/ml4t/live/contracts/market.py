"""What triggers, forecasters, risk checks and strategies may read of the market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class SymbolView(Protocol):
    """The state of one symbol, read-only. Prices are None and NaN never appears."""

    @property
    def symbol(self) -> str:
        """The symbol itself."""
        ...

    @property
    def price(self) -> float | None:
        """The last trusted price: last trade, bar close, or quote mid."""
        ...

    @property
    def event_time(self) -> int:
        """Nanoseconds UTC of that price; 0 before the first."""
        ...

    @property
    def seen_at(self) -> int:
        """The engine's time when the symbol was last heard of; 0 before the first."""
        ...

    @property
    def bid(self) -> float | None:
        """The last best bid."""
        ...

    @property
    def ask(self) -> float | None:
        """The last best ask."""
        ...

    @property
    def volatility(self) -> float | None:
        """Standard deviation of simple returns per observation, exponentially weighted; None before two prices."""
        ...

    @property
    def prices(self) -> Sequence[float]:
        """The last prices, oldest first (bounded)."""
        ...

    @property
    def volumes(self) -> Sequence[float]:
        """The sizes that came with them."""
        ...


class MarketView(Protocol):
    """The state of all symbols, read-only."""

    @property
    def symbols(self) -> Mapping[str, SymbolView]:
        """The symbols heard of so far."""
        ...

    def get(self, symbol: str) -> SymbolView | None:
        """Return a symbol's state, None before its first event."""
        ...

    def price(self, symbol: str) -> float | None:
        """Return the last trusted price, None before the first."""
        ...
