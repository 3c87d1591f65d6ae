"""What triggers, forecasters, risk checks and strategies may read of the market."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from ml4t.live.market.regime import Regime
from ml4t.live.model import Bar
from ml4t.live.sessions import Calendar


class CandleView(Protocol):
    """The candles of one symbol on a fixed clock, read-only; one in which nothing was seen does not exist.

    Statistics speak of closed candles, per candle, and are None until there is enough to say. A window is shorter than the
    history, or ValueError is raised.
    """

    @property
    def interval(self) -> int:
        """The length of a candle, nanoseconds."""
        ...

    @property
    def closed(self) -> Sequence[Bar]:
        """The last closed candles, oldest first (bounded)."""
        ...

    @property
    def count(self) -> int:
        """How many candles have been closed in all."""
        ...

    @property
    def running(self) -> bool:
        """True while a candle runs: bars close theirs at once."""
        ...

    @property
    def volume(self) -> float:
        """The volume of the running candle, or of the last one while none runs."""
        ...

    @property
    def start(self) -> int:
        """When that candle begins, nanoseconds UTC."""
        ...

    @property
    def expected_volume(self) -> float | None:
        """What that candle would usually trade as a whole, at its time of day and on a day such as this."""
        ...

    @property
    def relative_volume(self) -> float | None:
        """What it has traded so far over what it usually trades as a whole; None while that is not known."""
        ...

    @property
    def volume_spread(self) -> float:
        """Standard deviation of the logarithm of volume around what is expected of it."""
        ...

    @property
    def volatility(self) -> float | None:
        """Standard deviation of returns, exponentially weighted over 60 candles."""
        ...

    @property
    def regime(self) -> Regime | None:
        """What kind of market it is: trend, range, high volatility or calm."""
        ...

    def realised_volatility(self, window: int) -> float | None:
        """Return the standard deviation of the last `window` returns from close to close."""
        ...

    def parkinson(self, window: int) -> float | None:
        """Return Parkinson's estimate of volatility, from highs and lows of the last `window` candles."""
        ...

    def average_true_range(self, window: int) -> float | None:
        """Return the mean true range of the last `window` candles, in units of the price."""
        ...

    def average_volume(self, window: int) -> float | None:
        """Return the mean volume of the last `window` candles."""
        ...

    @property
    def returns(self) -> Sequence[float]:
        """The returns from close to close that the history holds, oldest first."""
        ...


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
    def backfilled(self) -> bool:
        """True while the last event is one that was fetched after a loss: it is the past, whatever its time says."""
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
    def quote_time(self) -> int:
        """Nanoseconds UTC of that bid and ask; 0 before the first."""
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

    @property
    def returns(self) -> Sequence[float]:
        """The simple returns between the last prices, oldest first."""
        ...

    def realised_volatility(self, window: int) -> float | None:
        """Return the standard deviation of the last `window` returns per observation, None with fewer than two.

        Raises ValueError for a window that is longer than the history.
        """
        ...

    def candles(self, interval: int) -> CandleView:
        """Return the candles of a length (nanoseconds). Raises LookupError when nobody has asked for them before the run."""
        ...

    def regime(self, horizon: int) -> Regime | None:
        """Return the regime of the longest candles kept that are no longer than a horizon (nanoseconds), else of the shortest.

        None without candles, and before there are enough.
        """
        ...


class MarketView(Protocol):
    """The state of all symbols, read-only."""

    @property
    def calendar(self) -> Calendar:
        """The trading days and hours of the run."""
        ...

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

    def correlation(self, first: str, second: str, interval: int, window: int) -> float | None:
        """Return the correlation of two symbols' returns over the last `window` candles of `interval` that both have.

        None while there are fewer than three, when one does not move, and before both were heard of. Raises LookupError when
        no candles of `interval` (nanoseconds) are kept.
        """
        ...


@runtime_checkable
class NeedsCandles(Protocol):
    """A trigger, forecaster or strategy that reads candles: what nobody asks for before the run is not kept."""

    @property
    def needs_candles(self) -> Sequence[int]:
        """The lengths of the candles that it reads, in nanoseconds."""
        ...


@runtime_checkable
class KeepsBars(Protocol):
    """A strategy that keeps a history of the bars that it gets, and takes what was before a start from candles."""

    def candles_for(self, bars: int | None, history: int) -> Sequence[int]:
        """Return the lengths of the candles that it reads, in nanoseconds.

        It is told how long its bars are, None when it gets what the feed sends as it is, and how many candles are kept.
        Raises ValueError with the remedy when those are too few.
        """
        ...
