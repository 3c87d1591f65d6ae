"""The trigger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from ml4t.live.contracts import CandleView, MarketView
from ml4t.live.model import Firing, MarketEvent
from trigger_adaptive.config import AdaptiveConfig
from trigger_adaptive.threshold import Threshold


class Track:
    """What is known of one symbol."""

    __slots__ = ("before", "count", "learned", "threshold", "volatility")

    def __init__(self, threshold: Threshold) -> None:
        self.threshold = threshold
        self.count = 0
        """How many candles had been closed when it was looked at last."""
        self.volatility: float | None = None
        """The volatility as of then: what the next move is measured by must not know it."""
        self.before = 1.0
        """The score of the last candle."""
        self.learned = 0
        """How many candles the threshold has learned from."""


class Adaptive:
    """Fires when a candle moves further than all but a share of `rate` do, each symbol for itself.

    A move is measured by the volatility before it, so that its score is a number of standard deviations. It reads no clock and
    nothing but the candles of the market; the same candles give the same firings.
    """

    def __init__(self, config: AdaptiveConfig) -> None:
        self._config = config
        self._tracks: dict[str, Track] = {}

    @property
    def needs_candles(self) -> Sequence[int]:
        """The candles that it reads."""
        return (self._config.candles,)

    def on_event(self, event: MarketEvent, market: MarketView) -> Firing | None:
        """Return a firing when `event` has closed a candle that moved further than the threshold, else None."""
        view = market.get(event.symbol)
        if view is None:
            return None
        candles = view.candles(self._config.candles)
        track = self._tracks.get(event.symbol)
        if track is None:
            track = self._tracks[event.symbol] = Track(Threshold(self._config))
        if candles.count == track.count:
            return None
        track.count = candles.count
        usual, track.volatility = track.volatility, candles.volatility
        change = _last_return(candles)
        if change is None or usual is None or not usual > 0.0:
            return None
        return self._judged(event.symbol, track, change, abs(change) / usual)

    def state(self, symbol: str) -> dict[str, Any] | None:
        """Return what is known of a symbol, as plain JSON values."""
        track = self._tracks.get(symbol)
        if track is None:
            return None
        known = {"count": track.count, "volatility": track.volatility, "before": track.before, "learned": track.learned}
        return {**known, "threshold": track.threshold.state(), "candles": self._config.candles, "rate": self._config.rate}

    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned, unless it was learned with another rate or from other candles."""
        if (state["candles"], state["rate"]) != (self._config.candles, self._config.rate):
            return
        track = self._tracks[symbol] = Track(Threshold.restored(self._config, state["threshold"]))
        track.count, track.volatility = state["count"], state["volatility"]
        track.before, track.learned = state["before"], state["learned"]

    def _judged(self, symbol: str, track: Track, change: float, score: float) -> Firing | None:
        """Set the candle against the threshold, and let the threshold learn from it afterwards."""
        threshold = track.threshold.after(track.before)
        track.threshold.learn(track.before, score)
        track.before = score
        track.learned += 1
        if track.learned <= self._config.warmup or score <= threshold:
            return None
        words = f"{symbol}: moved {change * 100:+.3g} %, {score:.3g} standard deviations (threshold {threshold:.3g})"
        return Firing(words, symbol, {"return": change, "score": score, "threshold": threshold})


def _last_return(candles: CandleView) -> float | None:
    """Return the return of the last closed candle, None without one before it."""
    closed = candles.closed
    if len(closed) < 2 or not closed[-2].close > 0.0:
        return None
    change = closed[-1].close / closed[-2].close - 1.0
    return change if isfinite(change) else None
