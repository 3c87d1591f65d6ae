"""What happened in the simulated market: every trade and every bar, kept for those who ask afterwards."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field

from ml4t.live.times import NANOS

KEPT = 400_000
"""Records of each kind and symbol that are remembered."""
MINUTE = 60 * NANOS
DAY = 1440 * MINUTE


@define(eq=False)
class History:
    """One symbol's records, oldest first: as the stream sends them, with `t` in nanoseconds UTC."""

    trades: deque[dict[str, Any]] = field(factory=lambda: deque(maxlen=KEPT))
    bars: deque[dict[str, Any]] = field(factory=lambda: deque(maxlen=KEPT))
    running: dict[str, Any] | None = None


class Tape:
    """Records trades, and makes bars of them."""

    def __init__(self, now: Callable[[], int], bar: int) -> None:
        self._now = now
        self._bar = bar
        self._histories: dict[str, History] = {}
        self._count = 0

    def of(self, symbol: str) -> History:
        """Return what happened in a symbol."""
        return self._histories.setdefault(symbol, History())

    def trade(self, symbol: str, price: float, size: float) -> dict[str, Any]:
        """Record a trade that happens now, later than the last one; it becomes part of the running bar."""
        history = self.of(symbol)
        last = history.trades[-1]["t"] if history.trades else 0
        self._count += 1
        record = {
            "T": "t", "S": symbol, "i": self._count, "x": "V", "p": price, "s": size, "c": ["@"], "z": "C",
            "t": max(self._now(), last + 1),
        }  # fmt: skip
        history.trades.append(record)
        self._add(history, record)
        return record

    def bar(self, symbol: str, price: float, volume: float) -> dict[str, Any]:
        """Record a bar at one price, a minute after the last one; the first is a day old."""
        history = self.of(symbol)
        start = history.bars[-1]["t"] + self._bar if history.bars else (self._now() - DAY) // self._bar * self._bar
        record = _bar(symbol, start, price, volume)
        history.bars.append(record)
        return record

    def close_bars(self) -> Sequence[dict[str, Any]]:
        """Return the running bars that have ended by now, and record them."""
        ended = []
        for history in self._histories.values():
            if history.running is not None and history.running["t"] + self._bar <= self._now():
                history.bars.append(history.running)
                ended.append(history.running)
                history.running = None
        return ended

    def _add(self, history: History, trade: dict[str, Any]) -> None:
        start = trade["t"] // self._bar * self._bar
        price, size = trade["p"], trade["s"]
        running = history.running
        if running is None or running["t"] != start:
            if running is not None:
                history.bars.append(running)
            history.running = _bar(trade["S"], start, price, size)
            return
        running["h"], running["l"], running["c"] = max(running["h"], price), min(running["l"], price), price
        running["v"] += size
        running["n"] += 1


def _bar(symbol: str, start: int, price: float, volume: float) -> dict[str, Any]:
    return {
        "T": "b", "S": symbol, "o": price, "h": price, "l": price, "c": price, "v": volume, "t": start, "n": 1, "vw": price,
    }  # fmt: skip
