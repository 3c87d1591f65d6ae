"""What is known of one symbol."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import sqrt
from typing import Any

from ml4t.live.market.candles import CUTS, CandleSeries
from ml4t.live.market.ewma import alpha_of
from ml4t.live.market.regime import Regime
from ml4t.live.market.rolling import Rolling
from ml4t.live.model import Bar, Quote, Trade
from ml4t.live.sessions import Calendar
from ml4t.live.times import format_duration

VOLATILITY_SPAN = 60
"""Observations over which the exponentially weighted variance of returns forgets (alpha = 2 / (span + 1))."""

JUMP = 10.0
"""A print more than this factor away from the last price is believed only when the next one agrees with it."""

LOW, HIGH = 1.0 / JUMP, JUMP

MOMENT = 4_096
"""Events of one moment that are kept. More of them is a source that repeats itself under one time."""

_ALPHA = alpha_of(VOLATILITY_SPAN)


class SymbolState:
    """The state of one symbol; see `ml4t.live.contracts.SymbolView` for what the outside may rely on."""

    __slots__ = (
        "_rolling",
        "ask",
        "backfilled",
        "bar_start",
        "bar_time",
        "bid",
        "count",
        "cuts",
        "event_time",
        "funding_rate",
        "funding_time",
        "moment",
        "observed",
        "price",
        "prices",
        "quote_time",
        "seen_at",
        "suspect",
        "symbol",
        "trade_time",
        "variance",
        "volumes",
    )

    def __init__(self, symbol: str, history: int) -> None:
        self.symbol = symbol
        self.price: float | None = None
        self.event_time = 0
        self.seen_at = 0
        self.backfilled = False
        """True while the last event is one that was fetched after the fact: it is known late, and what is now is not."""
        self.bid: float | None = None
        self.ask: float | None = None
        self.funding_rate: float | None = None
        self.variance: float | None = None
        self.trade_time = self.quote_time = self.bar_time = self.funding_time = 0
        self.bar_start = -1
        self.moment: list[Trade | Quote] = []
        """The trades and quotes of `event_time`: when others of that moment turn up, these are not to come again."""
        self.suspect: float | None = None
        """A print far from the last price that nothing has confirmed yet."""
        self.observed: float | None = None
        """The price that the next return starts from."""
        self.prices: deque[float] = deque(maxlen=history)
        self.volumes: deque[float] = deque(maxlen=history)
        self.count = 0
        """How many prices have entered the history in all."""
        self.cuts: deque[int] = deque(maxlen=CUTS)
        """The numbers of the prices to which no return leads: the unit had changed."""
        self._rolling: dict[int, Rolling[float]] = {}

    @property
    def volatility(self) -> float | None:
        """Standard deviation of simple returns per observation, exponentially weighted over `VOLATILITY_SPAN`."""
        return None if self.variance is None else sqrt(self.variance)

    @property
    def returns(self) -> Sequence[float]:
        """The simple returns between the prices of the history, oldest first."""
        first = self.count - len(self.prices)
        steps = enumerate(pairwise(self.prices), first + 1)
        return [change(*step) for number, step in steps if number not in self.cuts]

    def realised_volatility(self, window: int) -> float | None:
        """Return the standard deviation of the last `window` returns, None with fewer than two.

        Raises ValueError for a window that is longer than the history.
        """
        rolling = self._rolling.get(window)
        if rolling is None:
            if window >= (self.prices.maxlen or 0):
                raise ValueError(f"{window} returns are more than the history holds; write a larger [market] history")
            rolling = self._rolling[window] = Rolling(window, change)
        return rolling.pull(self.prices, self.count, self.cuts).deviation

    def candles(self, interval: int) -> CandleSeries:
        """Return the candles of a length (nanoseconds). Raises LookupError when nobody has asked for them before the run."""
        length = format_duration(interval)
        raise LookupError(f'no candles of {length} are kept; ask for them beforehand: [market] candles = ["{length}"]')

    def add_to_moment(self, event: Trade | Quote) -> None:
        """Take in one more event of `event_time`."""
        if len(self.moment) < MOMENT:
            self.moment.append(event)

    def regime(self, _horizon: int) -> Regime | None:
        """Return None: regimes follow from candles."""
        return None

    def observe(self, _when: int, price: float, size: float, _bar: Bar | None = None) -> None:
        """Take a price, that of a whole bar or of a print, into the history and the variance."""
        before = self.observed
        if before is not None:
            move = (price - before) / before
            variance = self.variance
            self.variance = move * move if variance is None else variance + _ALPHA * (move * move - variance)
        self.observed = price
        self.count += 1
        self.prices.append(price)
        self.volumes.append(size)

    def disbelieves(self, price: float) -> bool:
        """Return True for a price far from the last one, until two in a row agree on it.

        A jump that is believed (a split, a new unit) is no return: the variance goes on from its far side.
        """
        last = self.price
        suspect, self.suspect = self.suspect, None
        if last is None or LOW < price / last < HIGH:
            return False
        if suspect is None or not LOW < price / suspect < HIGH:
            self.suspect = price
            return True
        self.cut()
        return False

    def cut(self) -> None:
        """Begin anew after a change of unit: no return leads over it."""
        self.observed = None
        self.cuts.append(self.count)

    def state(self) -> dict[str, Any]:
        """Return the history and the statistics, as plain JSON values. The last price is not among them: it would be old."""
        return {
            "at": max(self.event_time, self.bar_time, self.trade_time),
            "count": self.count,
            "cuts": list(self.cuts),
            "prices": list(self.prices),
            "volumes": list(self.volumes),
            "variance": self.variance,
            "observed": self.observed,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self.count = state["count"]
        self.cuts.extend(state["cuts"])
        self.prices.extend(state["prices"])
        self.volumes.extend(state["volumes"])
        self.variance, self.observed = state["variance"], state["observed"]

    def forget_moment(self) -> None:
        """Keep the history and the statistics, and know no price, quote or time of now."""
        self.price = self.bid = self.ask = self.suspect = None
        self.event_time = self.seen_at = 0
        self.trade_time = self.quote_time = self.bar_time = self.funding_time = 0
        self.bar_start = -1
        self.backfilled = False
        self.moment = []


class SampledState(SymbolState):
    """The state of one symbol with candles: apart, so that those who ask for none do not pay for them."""

    __slots__ = ("_by_interval", "_series")

    def __init__(self, symbol: str, history: int, intervals: Iterable[int], calendar: Calendar) -> None:
        super().__init__(symbol, history)
        self._series = tuple(CandleSeries(symbol, interval, history, calendar) for interval in intervals)
        self._by_interval = {series.interval: series for series in self._series}

    def candles(self, interval: int) -> CandleSeries:
        """Return the candles of a length (nanoseconds). Raises LookupError when nobody has asked for them before the run."""
        series = self._by_interval.get(interval)
        return super().candles(interval) if series is None else series

    def regime(self, horizon: int) -> Regime | None:
        """Return the regime of the longest candles that are no longer than a horizon (nanoseconds), else of the shortest."""
        fitting = [series for series in self._series if series.interval <= horizon]
        return (fitting[-1] if fitting else self._series[0]).regime

    def observe(self, when: int, price: float, size: float, bar: Bar | None = None) -> None:
        """Take a price, or a whole bar."""
        SymbolState.observe(self, when, price, size)
        for series in self._series:
            if bar is None:
                series.add(when, price, size)
            else:
                series.add_bar(bar)

    def cut(self) -> None:
        """Begin anew after a change of unit: no return leads over it."""
        super().cut()
        for series in self._series:
            series.cut()

    def state(self) -> dict[str, Any]:
        """Return the history, the statistics and the candles, as plain JSON values."""
        return super().state() | {"candles": {str(series.interval): series.state() for series in self._series}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned, as far as it is still asked for."""
        super().restore(state)
        known = state.get("candles", {})
        for series in self._series:
            if str(series.interval) in known:
                series.restore(known[str(series.interval)])


def change(before: float, after: float) -> float:
    """Return the simple return; as a difference first, because that of two close prices is exact."""
    return (after - before) / before
