"""What happened in the simulated market: every trade and every candle, kept for those who ask afterwards."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from attrs import define, field

KEPT = 400_000
"""Trades and candles of each pair that are remembered."""
LENGTHS = {"1s": 1, "1m": 60, "5m": 300, "15m": 900, "1h": 3600, "4h": 14400, "1d": 86400}
"""By their name the lengths of candles, in seconds."""
PAST = 7 * 86_400_000
"""How long ago the first complete candle began, in milliseconds: all that a test lets happen are over."""


@define(eq=False)
class Candle:
    """One candle; `start` in milliseconds UTC."""

    start: int
    open: float
    high: float
    low: float
    close: float
    volume: float

    def add(self, price: float, size: float) -> None:
        """Take in a trade."""
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price
        self.volume += size

    def row(self, seconds: int) -> list[Any]:
        """Return it as the API writes it."""
        prices = [repr(x) for x in (self.open, self.high, self.low, self.close, self.volume)]
        return [self.start, *prices, self.start + seconds * 1000 - 1, repr(self.volume * self.close), 1, "0", "0", "0"]

    def push(self, pair: str, interval: str, now: int, *, complete: bool) -> dict[str, Any]:
        """Return it as the stream says it."""
        end = self.start + LENGTHS[interval] * 1000 - 1
        candle = {
            "t": self.start, "T": end, "s": pair, "i": interval, "f": 100, "L": 200, "o": repr(self.open),
            "c": repr(self.close), "h": repr(self.high), "l": repr(self.low), "v": repr(self.volume), "n": 1,
            "x": complete, "q": repr(self.volume * self.close), "V": "0", "Q": "0", "B": "0",
        }  # fmt: skip
        return {"e": "kline", "E": now, "s": pair, "k": candle}


@define(eq=False)
class History:
    """One pair's past, oldest first, and by its name the candle of each length that has not ended."""

    trades: deque[dict[str, Any]] = field(factory=lambda: deque(maxlen=KEPT))
    candles: dict[str, deque[Candle]] = field(factory=lambda: {name: deque(maxlen=KEPT) for name in LENGTHS})
    running: dict[str, Candle] = field(factory=dict)


class Tape:
    """Records trades, and makes candles of them. `now` is in milliseconds UTC."""

    def __init__(self, now: Callable[[], int], first_id: int) -> None:
        self._now = now
        self._histories: dict[str, History] = {}
        self._first_id = first_id
        self._ids: dict[str, Iterator[int]] = {}

    def of(self, pair: str) -> History:
        """Return what happened in a pair."""
        return self._histories.setdefault(pair, History())

    def trade(self, pair: str, price: float, size: float, *, maker_bought: bool) -> dict[str, Any]:
        """Record a trade that happens now, not before the last one; it becomes part of the running candles."""
        history = self.of(pair)
        last = history.trades[-1]["T"] if history.trades else 0
        now = max(self._now(), last)
        number = next(self._ids.setdefault(pair, itertools.count(self._first_id)))
        record = {"a": number, "p": repr(price), "q": repr(size), "f": number * 2, "l": number * 2, "T": now}
        record |= {"m": maker_bought, "M": True}
        history.trades.append(record)
        for interval, seconds in LENGTHS.items():
            self._add(history, interval, now // (seconds * 1000) * seconds * 1000, price, size)
        return record

    def candle(self, pair: str, interval: str, price: float, volume: float) -> Candle:
        """Record a complete candle at one price, after the last one; the first is a week old."""
        past, length = self.of(pair).candles[interval], LENGTHS[interval] * 1000
        start = past[-1].start + length if past else (self._now() - PAST) // length * length
        past.append(Candle(start, price, price, price, price, volume))
        return past[-1]

    def candles(self, pair: str, interval: str) -> list[Candle]:
        """Return the candles of a length, oldest first, the running one included."""
        history = self.of(pair)
        running = history.running.get(interval)
        return [*history.candles[interval], *([running] if running else [])]

    @staticmethod
    def _add(history: History, interval: str, start: int, price: float, size: float) -> None:
        running = history.running.get(interval)
        if running is not None and running.start == start:
            running.add(price, size)
            return
        if running is not None:
            history.candles[interval].append(running)
        history.running[interval] = Candle(start, price, price, price, price, size)
