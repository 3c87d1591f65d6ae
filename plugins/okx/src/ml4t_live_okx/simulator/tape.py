"""What happened in the simulated market: every trade and every candle, kept for those who ask afterwards."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import define, field

KEPT = 400_000
"""Trades and candles of each instrument that are remembered."""
LENGTHS = {
    "1s": 1, "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1H": 3600, "2H": 7200, "4H": 14400, "6Hutc": 21600,
    "12Hutc": 43200, "1Dutc": 86400,
}  # fmt: skip
"""By their name the lengths of candles, in seconds."""
DAY = 86_400_000


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

    def row(self, contract: float, spot: bool, *, complete: bool) -> list[str]:
        """Return it as the API writes it."""
        coins, money = self.volume * contract, self.volume * contract * self.close
        volumes = (self.volume, money, money) if spot else (self.volume, coins, money)
        return [str(self.start), *(repr(x) for x in (self.open, self.high, self.low, self.close, *volumes)), str(int(complete))]


@define(eq=False)
class History:
    """One instrument's past, oldest first, and by its name the candle of each length that has not ended."""

    trades: deque[dict[str, Any]] = field(factory=lambda: deque(maxlen=KEPT))
    candles: dict[str, deque[Candle]] = field(factory=lambda: {bar: deque(maxlen=KEPT) for bar in LENGTHS})
    running: dict[str, Candle] = field(factory=dict)


class Tape:
    """Records trades, and makes candles of them. `now` is in milliseconds UTC."""

    def __init__(self, now: Callable[[], int], first_id: int) -> None:
        self._now = now
        self._histories: dict[str, History] = {}
        self._ids = itertools.count(first_id)
        self._ended: list[tuple[str, str, Candle]] = []

    def of(self, instrument: str) -> History:
        """Return what happened in an instrument."""
        return self._histories.setdefault(instrument, History())

    def trade(self, instrument: str, price: float, size: float, side: str) -> dict[str, Any]:
        """Record a trade that happens now, not before the last one; it becomes part of the running candles."""
        history = self.of(instrument)
        last = int(history.trades[-1]["ts"]) if history.trades else 0
        now = max(self._now(), last)
        record = {"instId": instrument, "tradeId": str(next(self._ids)), "px": repr(price), "sz": repr(size), "side": side}
        record["ts"] = str(now)
        history.trades.append(record)
        for bar, seconds in LENGTHS.items():
            self._add(instrument, history, bar, now // (seconds * 1000) * seconds * 1000, price, size)
        return record

    def candle(self, instrument: str, bar: str, price: float, volume: float) -> Candle:
        """Record a complete candle at one price, after the last one; the first is a day old."""
        past, length = self.of(instrument).candles[bar], LENGTHS[bar] * 1000
        start = past[-1].start + length if past else (self._now() - DAY) // length * length
        past.append(Candle(start, price, price, price, price, volume))
        return past[-1]

    def close_candles(self) -> Iterator[tuple[str, str, Candle]]:
        """Yield the candles that have ended since this was asked last, with instrument and length."""
        ended, self._ended = self._ended, []
        yield from ended
        now = self._now()
        for instrument, history in self._histories.items():
            for bar, candle in list(history.running.items()):
                if candle.start + LENGTHS[bar] * 1000 <= now:
                    history.candles[bar].append(history.running.pop(bar))
                    yield instrument, bar, candle

    def candles(self, instrument: str, bar: str) -> Sequence[tuple[Candle, bool]]:
        """Return the candles of a length, newest first, each with whether it is complete."""
        history = self.of(instrument)
        running = history.running.get(bar)
        complete = [(candle, True) for candle in reversed(history.candles[bar])]
        return complete if running is None else [(running, False), *complete]

    def _add(self, instrument: str, history: History, bar: str, start: int, price: float, size: float) -> None:
        running = history.running.get(bar)
        if running is not None and running.start == start:
            running.add(price, size)
            return
        if running is not None:
            history.candles[bar].append(running)
            self._ended.append((instrument, bar, running))
        history.running[bar] = Candle(start, price, price, price, price, size)
