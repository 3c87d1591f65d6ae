"""What is usual of a volatility: the mean and the spread of its logarithm."""

from __future__ import annotations

from collections.abc import Mapping
from math import log, sqrt
from typing import Any

from ml4t.live.market.ewma import alpha_of

TRIM = 3.0
"""A value counts no further from the mean than this many standard deviations: an hour of turmoil must not become usual."""


class Baseline:
    """Exponentially weighted mean and variance of the logarithm, over `span` candles."""

    __slots__ = ("_alpha", "_mean", "_seen", "_span", "_variance")

    def __init__(self, span: int) -> None:
        self._span = span
        self._alpha = alpha_of(span)
        self._seen = 0
        self._mean = 0.0
        self._variance = 0.0

    def zscore(self, volatility: float) -> float | None:
        """Return how far a volatility is from what was usual before it, and take it in; None before there is a usual."""
        value = log(volatility)
        off = value - self._mean
        zscore = None
        if self._seen >= self._span and self._variance > 0.0:
            spread = sqrt(self._variance)
            zscore = off / spread
            off = max(-TRIM * spread, min(TRIM * spread, off))
        self._seen += 1
        weight = max(self._alpha, 1.0 / self._seen)  # at first all values weigh the same
        self._mean += weight * off
        self._variance = (1.0 - weight) * (self._variance + weight * off * off)
        return zscore

    def state(self) -> dict[str, Any]:
        """Return what must survive a restart, as plain JSON values."""
        return {"seen": self._seen, "mean": self._mean, "variance": self._variance}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._seen, self._mean, self._variance = state["seen"], state["mean"], state["variance"]
