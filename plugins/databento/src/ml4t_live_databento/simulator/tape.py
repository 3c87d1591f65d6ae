"""What has happened in the simulated market, kept for who asks for the past."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from heapq import merge

from attrs import evolve

from ml4t.live.times import NANOS
from ml4t_live_databento.simulator.encoding import SERIES, TICKS, Happened

INTERVALS = tuple(sorted({series.interval for series in SERIES.values()} - {TICKS}))
AGE = 12 * 3_600 * NANOS
"""How old the first bar is that a test lets happen."""


class Tape:
    """Trades as they happen, and the bars that come of them. `now` is the time, nanoseconds UTC."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._last = 0
        self._history: dict[tuple[int, str], list[Happened]] = defaultdict(list)
        self._running: dict[tuple[int, str], Happened] = {}

    def trade(self, symbol: str, price: float, size: float, *, at_once: bool = False) -> Happened:
        """Let a trade happen, now, and later than the one before; `at_once`: at the very moment of that one."""
        if not at_once:
            self._last = max(self._now(), self._last + 1)
        fixed = _fixed(price)
        trade = Happened(symbol, self._last, fixed, fixed, fixed, fixed, round(size))
        self._history[TICKS, symbol].append(trade)
        return trade

    def gather(self, trade: Happened) -> None:
        """Let the bars that are running take a trade in."""
        for interval in INTERVALS:
            start = trade.time // interval * interval
            held = self._running.get((interval, trade.symbol))
            if held is None or held.time != start:
                self._running[interval, trade.symbol] = evolve(trade, time=start)
                continue
            self._running[interval, trade.symbol] = evolve(
                held,
                high=max(held.high, trade.high),
                low=min(held.low, trade.low),
                close=trade.close,
                size=held.size + trade.size,
            )

    def close(self, interval: int, end: int) -> list[Happened]:
        """Return the bars of an interval that had ended at `end`, and keep them."""
        ended = [bar for (length, _), bar in self._running.items() if length == interval and bar.time + interval <= end]
        for bar in ended:
            del self._running[interval, bar.symbol]
            self._history[interval, bar.symbol].append(bar)
        return ended

    def bar(self, symbol: str, interval: int, price: float, size: float) -> Happened:
        """Let a bar at one price happen, right after the symbol's last one; the first is half a day old."""
        history = self._history[interval, symbol]
        start = history[-1].time + interval if history else (self._now() - AGE) // interval * interval
        fixed = _fixed(price)
        bar = Happened(symbol, start, fixed, fixed, fixed, fixed, round(size))
        history.append(bar)
        return bar

    def since(self, start: int, interval: int, symbols: Iterable[str]) -> Iterator[Happened]:
        """Return what has happened to symbols from `start` on, oldest first."""

        def of(symbol: str) -> list[Happened]:
            history = self._history[interval, symbol]
            return history[bisect_left(history, start, key=lambda it: it.time) :]

        return merge(*(of(symbol) for symbol in symbols), key=lambda it: it.time)


def _fixed(price: float) -> int:
    return round(price * 1e9)
