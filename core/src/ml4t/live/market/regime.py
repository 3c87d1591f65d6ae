"""What kind of market it is: a stated rule over candles, with hysteresis."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from math import fsum, sqrt
from typing import Any

from attrs import frozen

from ml4t.live.market.ewma import EwmaVariance
from ml4t.live.market.hysteresis import Latch

FAST_SPAN, SLOW_SPAN = 10, 100
"""Candles over which the two variances forget."""
STEPS = 20
"""Candles over which the way made is set against the way gone; before so many there is no regime."""
HIGH, HIGH_LEFT = 1.5, 1.2
CALM, CALM_LEFT = 0.6, 0.75
TREND, TREND_LEFT = 0.5, 0.3


class RegimeKind(StrEnum):
    """The kinds of market."""

    TREND = "trend"
    RANGE = "range"
    HIGH_VOLATILITY = "high volatility"
    CALM = "calm"


@frozen
class Regime:
    """A kind of market, since when (nanoseconds UTC: the end of the candle that made it so), and the latest numbers.

    `ratio` is the fast volatility over the slow one; `efficiency` the distance between the ends of the last `STEPS` steps over
    the sum of the steps, below zero when it leads down.
    """

    kind: RegimeKind
    since: int
    ratio: float
    efficiency: float


class RegimeRule:
    """High volatility, else calm, else a trend, else a range: each from one level on and until another.

    High volatility from a ratio of 1.5 until below 1.2; calm from 0.6 until above 0.75; a trend from an efficiency of 0.5,
    either way, until below 0.3.
    """

    __slots__ = ("_calm", "_closes", "_fast", "_high", "_slow", "_trend", "current")

    def __init__(self) -> None:
        self._fast, self._slow = EwmaVariance(FAST_SPAN), EwmaVariance(SLOW_SPAN)
        self._high, self._trend = Latch(HIGH, HIGH_LEFT), Latch(TREND, TREND_LEFT)
        self._calm = Latch(CALM, CALM_LEFT, falling=True)
        self._closes: deque[float] = deque(maxlen=STEPS + 1)
        self.current: Regime | None = None

    def cut(self) -> None:
        """Let no step lead over a change of unit, such as a split."""
        self._closes.clear()

    def add(self, close: float, end: int) -> None:
        """Take the close of the next candle, which ended at `end`."""
        closes = self._closes
        if closes:
            change = (close - closes[-1]) / closes[-1]
            self._fast.add(change)
            self._slow.add(change)
        closes.append(close)
        if len(closes) > STEPS:
            self._judge(end)

    def _judge(self, end: int) -> None:
        fast, slow = self._fast.value or 0.0, self._slow.value or 0.0
        ratio = sqrt(fast / slow) if slow > 0.0 else 1.0
        gone = fsum(abs(after - before) for before, after in pairwise(self._closes))
        efficiency = (self._closes[-1] - self._closes[0]) / gone if gone > 0.0 else 0.0
        self._high.update(ratio)
        self._calm.update(ratio)
        self._trend.update(abs(efficiency))
        kind = self._kind()
        now = self.current
        since = now.since if now is not None and now.kind is kind else end
        self.current = Regime(kind, since, ratio, efficiency)

    def _kind(self) -> RegimeKind:
        if self._high.on:
            return RegimeKind.HIGH_VOLATILITY
        if self._calm.on:
            return RegimeKind.CALM
        return RegimeKind.TREND if self._trend.on else RegimeKind.RANGE

    def state(self) -> dict[str, Any]:
        """Return what must survive a restart, as plain JSON values."""
        now = self.current
        return {
            "fast": self._fast.value,
            "slow": self._slow.value,
            "on": [self._high.on, self._calm.on, self._trend.on],
            "closes": list(self._closes),
            "current": None if now is None else [now.kind.value, now.since, now.ratio, now.efficiency],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._fast.value, self._slow.value = state["fast"], state["slow"]
        self._high.on, self._calm.on, self._trend.on = state["on"]
        self._closes.extend(state["closes"])
        if state["current"] is not None:
            kind, since, ratio, efficiency = state["current"]
            self.current = Regime(RegimeKind(kind), since, ratio, efficiency)
