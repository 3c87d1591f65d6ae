"""The bars of an interval: those of several venues put together, and those of symbols that did not trade."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ml4t.live.model import Bar, MarketEvent
from ml4t_live_databento.records import SOURCE


class Intervals:
    """Holds the bars of one interval until it is over.

    The gateway says so when all bars of an interval have been sent; a bar of another interval says it too. Some datasets have
    a bar per venue: their highs, lows and volumes are added up, and opened and closed is where most was traded.
    """

    def __init__(self, interval: int, now: Callable[[], int | None], *, quiet_bars: bool, backfilled: bool) -> None:
        self._interval = interval
        self._now = now
        self._quiet_bars = quiet_bars
        self._backfilled = backfilled
        self._start = 0
        self._bars: dict[str, Bar] = {}
        self._largest: dict[str, float] = {}
        self._last: dict[str, tuple[int, float]] = {}

    def add(self, bar: Bar, events: list[MarketEvent]) -> None:
        """Take a bar in; when it is of another interval, append those of the one before."""
        if bar.event_time != self._start:
            self.close(events)
            self._start = bar.event_time
        held = self._bars.get(bar.symbol)
        if held is None:
            self._bars[bar.symbol] = bar
            self._largest[bar.symbol] = bar.volume
            return
        self._bars[bar.symbol] = self._together(held, bar)

    def close(self, events: list[MarketEvent]) -> None:
        """Append what is held."""
        for symbol, bar in self._bars.items():
            events.append(bar)
            if bar.event_time >= self._last.get(symbol, (0, 0.0))[0]:
                self._last[symbol] = (bar.event_time, bar.close)
        self._bars.clear()

    def end(self, moment: int, events: list[MarketEvent]) -> None:
        """Append what is held, and a quiet bar of every symbol that has none in the interval that ended at `moment`."""
        self.close(events)
        start = moment - self._interval
        if not self._quiet_bars:
            return
        now = self._now()
        for symbol, (last, close) in self._last.items():
            if last < start:
                self._last[symbol] = (start, close)
                events.append(
                    Bar(symbol, start, close, close, close, close, 0.0, self._interval, True, self._backfilled, now, SOURCE)
                )

    def forget(self, symbol: str) -> None:
        """Make no quiet bar of a symbol until it has traded again: it stands for another instrument now."""
        self._last.pop(symbol, None)

    def _together(self, one: Bar, other: Bar) -> Bar:
        larger = other if other.volume > self._largest[one.symbol] else one
        self._largest[one.symbol] = max(self._largest[one.symbol], other.volume)
        return msgspec.structs.replace(
            one,
            open=larger.open,
            high=max(one.high, other.high),
            low=min(one.low, other.low),
            close=larger.close,
            volume=one.volume + other.volume,
        )
