"""A moving-average strategy, as plain as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ml4t.live.contracts import Strategy, StrategyBroker


class MovingAverageCross(Strategy):
    """Holds `shares` of a stock while its fast average is above its slow one.

    It knows nothing of limits: it asks for what it wants, and the risk gate answers.
    """

    def __init__(self, fast: int = 20, slow: int = 100, shares: int = 200) -> None:
        self.fast = fast
        self.slow = slow
        self.shares = shares
        self._closes: dict[str, deque[float]] = {}

    def on_data(
        self, timestamp: datetime, data: Mapping[str, Mapping[str, Any]], context: Mapping[str, Any], broker: StrategyBroker
    ) -> None:
        """Buy on a cross from below, sell on a cross from above."""
        for symbol, bar in data.items():
            closes = self._closes.setdefault(symbol, deque(maxlen=self.slow))
            before = self._trend(closes)
            closes.append(bar["close"])
            after = self._trend(closes)
            if before is None or after is None or before == after:
                continue
            crossed = f"{self.fast}-day {'above' if after else 'below'} {self.slow}-day"
            if after and broker.get_position(symbol) is None:
                broker.submit_order(symbol, self.shares, reason=crossed)
            elif not after:
                broker.close_position(symbol, reason=crossed)

    def _trend(self, closes: deque[float]) -> bool | None:
        if len(closes) < self.slow:
            return None
        recent = list(closes)[-self.fast :]
        return sum(recent) / self.fast > sum(closes) / self.slow
