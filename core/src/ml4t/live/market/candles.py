"""The candles of one symbol on a fixed clock, and what follows from them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import log, sqrt
from typing import Any

from ml4t.live.market.ewma import EwmaVariance
from ml4t.live.market.regime import Regime, RegimeRule
from ml4t.live.market.rolling import Moments, Rolling
from ml4t.live.market.volume import UsualVolume
from ml4t.live.model import Bar
from ml4t.live.sessions import ALWAYS, Calendar

SPAN = 60
"""Candles over which `volatility` forgets."""

CUTS = 64
"""Changes of unit that are remembered: more than a history of candles ever has."""

_PARKINSON = 4.0 * log(2.0)


def change(before: Bar, after: Bar) -> float:
    """Return the simple return from close to close."""
    return (after.close - before.close) / before.close


def log_range(_: Bar, candle: Bar) -> float:
    """Return the logarithm of high over low."""
    return log(candle.high / candle.low)


def true_range(before: Bar, candle: Bar) -> float:
    """Return how far the price went, the gap from the close before included."""
    return max(candle.high, before.close) - min(candle.low, before.close)


def volume(_: Bar, candle: Bar) -> float:
    """Return the volume."""
    return candle.volume


class CandleSeries:
    """Candles of `interval` nanoseconds, made of prices as they come; a candle in which nothing was seen does not exist.

    A candle is closed by the first price after it, or by a bar that reaches its end. A bar that is longer than a candle is
    one candle, at its start. Statistics speak of closed candles; they are None until there is enough to say.
    """

    __slots__ = (
        "_end",
        "_regime",
        "_rolling",
        "_running",
        "_slot",
        "_usual",
        "_variance",
        "calendar",
        "close",
        "closed",
        "count",
        "cuts",
        "expected_volume",
        "high",
        "interval",
        "low",
        "open",
        "start",
        "symbol",
        "volume",
    )

    def __init__(self, symbol: str, interval: int, history: int, calendar: Calendar = ALWAYS) -> None:
        self.symbol = symbol
        self.interval = interval
        self.calendar = calendar
        self.closed: deque[Bar] = deque(maxlen=history)
        self.count = 0
        """How many candles have been closed in all."""
        self.cuts: deque[int] = deque(maxlen=CUTS)
        """The numbers of the candles over whose open no return leads: the unit of the price had changed."""
        self.start = 0
        self.open = self.high = self.low = self.close = self.volume = 0.0
        self.expected_volume: float | None = None
        """What the running candle would usually trade as a whole, at its time of day and on a day such as this."""
        self._end = -(1 << 63)
        self._running = False
        self._slot = 0
        self._variance = EwmaVariance(SPAN)
        self._regime = RegimeRule()
        self._usual = UsualVolume()
        self._rolling: dict[tuple[Callable[[Bar, Bar], float], int], Rolling[Bar]] = {}

    # ------------------------------------------------------------------ taking in

    def add(self, when: int, price: float, size: float) -> None:
        """Take a price and what was traded at it."""
        if when >= self._end:
            self._begin(when, price)
        elif not self._running:
            return  # a whole bar has told of this moment already
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume += size

    def add_bar(self, bar: Bar) -> None:
        """Take a complete bar."""
        if bar.event_time >= self._end:
            self._begin(bar.event_time, bar.open)
        elif not self._running:
            return
        self.high = max(self.high, bar.high)
        self.low = min(self.low, bar.low)
        self.close = bar.close
        self.volume += bar.volume
        if bar.event_time + bar.interval >= self._end:
            self._end = max(self._end, bar.event_time + bar.interval)
            self._finish()

    def cut(self) -> None:
        """Begin anew after a change of unit: what runs is dropped, and no return leads over it."""
        self._running = False
        self._end = -(1 << 63)
        self.cuts.append(self.count)
        self._regime.cut()

    def _begin(self, when: int, price: float) -> None:
        if self._running:
            self._finish()
        self.start = when - when % self.interval
        self._end = self.start + self.interval
        self.open = self.high = self.low = self.close = price
        self.volume = 0.0
        self._running = True
        # Counted back from the end of the trading day: the clocks of the exchange, daylight saving or not.
        self._slot = (self.calendar.day_end(self.start) - self.start) // self.interval
        self.expected_volume = self._usual.expected(self._slot)

    def _finish(self) -> None:
        self._running = False
        candle = Bar(self.symbol, self.start, self.open, self.high, self.low, self.close, self.volume, self._end - self.start)
        if self.closed and self.count not in self.cuts:
            self._variance.add(change(self.closed[-1], candle))
        self.closed.append(candle)
        self.count += 1
        self._regime.add(self.close, self._end)
        self._usual.add(self._slot, self.volume)

    # ------------------------------------------------------------------ statistics

    @property
    def running(self) -> bool:
        """True while a candle runs: bars close theirs at once."""
        return self._running

    @property
    def volatility(self) -> float | None:
        """Standard deviation of returns per candle, exponentially weighted over `SPAN` candles."""
        return self._variance.deviation

    @property
    def regime(self) -> Regime | None:
        """What kind of market it is, None before there are enough candles."""
        return self._regime.current

    @property
    def volume_spread(self) -> float:
        """Standard deviation of the logarithm of volume around what is expected of it."""
        return self._usual.spread

    @property
    def relative_volume(self) -> float | None:
        """What the running candle has traded so far over what it usually trades as a whole; None while that is not known."""
        return self.volume / self.expected_volume if self.expected_volume is not None else None

    def realised_volatility(self, window: int) -> float | None:
        """Return the standard deviation of the last `window` returns from close to close."""
        return self._pull(change, window).deviation

    def parkinson(self, window: int) -> float | None:
        """Return Parkinson's estimate of volatility per candle, from highs and lows of the last `window` candles."""
        mean_square = self._pull(log_range, window).mean_square
        return None if mean_square is None else sqrt(mean_square / _PARKINSON)

    def average_true_range(self, window: int) -> float | None:
        """Return the mean true range of the last `window` candles, in units of the price."""
        return self._pull(true_range, window).mean

    def average_volume(self, window: int) -> float | None:
        """Return the mean volume of the last `window` candles."""
        return self._pull(volume, window).mean

    @property
    def returns(self) -> Sequence[float]:
        """The returns from close to close that the history holds, oldest first."""
        first = self.count - len(self.closed)
        return [
            change(before, after)
            for number, (before, after) in enumerate(pairwise(self.closed), first + 1)
            if number not in self.cuts
        ]

    def _pull(self, step: Callable[[Bar, Bar], float], window: int) -> Moments:
        rolling = self._rolling.get((step, window))
        if rolling is None:
            if window >= (self.closed.maxlen or 0):
                raise ValueError(f"{window} candles are more than the history holds; write a larger [market] history")
            rolling = self._rolling[step, window] = Rolling(window, step)
        return rolling.pull(self.closed, self.count, self.cuts)

    # ------------------------------------------------------------------ restarts

    def state(self) -> dict[str, Any]:
        """Return what must survive a restart, as plain JSON values."""
        return {
            "count": self.count,
            "cuts": list(self.cuts),
            "closed": [[c.event_time, c.open, c.high, c.low, c.close, c.volume, c.interval] for c in self.closed],
            "running": [self.start, self._end, self.open, self.high, self.low, self.close, self.volume, self._running],
            "variance": self._variance.value,
            "regime": self._regime.state(),
            "usual": self._usual.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self.count = state["count"]
        self.cuts.extend(state["cuts"])
        for start, open_, high, low, close, size, interval in state["closed"]:
            self.closed.append(Bar(self.symbol, start, open_, high, low, close, size, interval))
        self._variance.value = state["variance"]
        self._regime.restore(state["regime"])
        self._usual.restore(state["usual"])
        self.start, self._end, self.open, self.high, self.low, self.close, self.volume, self._running = state["running"]
        if self._running:
            self._slot = (self.calendar.day_end(self.start) - self.start) // self.interval
            self.expected_volume = self._usual.expected(self._slot)
