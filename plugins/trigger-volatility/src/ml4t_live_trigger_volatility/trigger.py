"""The volatility trigger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ml4t.live.contracts import CandleView, MarketView
from ml4t.live.market import Latch
from ml4t.live.model import Firing, MarketEvent
from ml4t_live_trigger_volatility.baseline import Baseline
from ml4t_live_trigger_volatility.config import VolatilityConfig


class Track:
    """What is known of one symbol."""

    __slots__ = ("baseline", "count", "latch")

    def __init__(self, config: VolatilityConfig) -> None:
        self.count = 0
        """How many candles had been closed when it was looked at last."""
        self.latch = _latch(config)
        self.baseline = Baseline(config.baseline)


class Volatility:
    """Fires once when the volatility of a symbol crosses the threshold, each symbol for itself; looked at per candle.

    It reads no clock and nothing but the candles of the market.
    """

    def __init__(self, config: VolatilityConfig) -> None:
        self._config = config
        self._tracks: dict[str, Track] = {}

    @property
    def needs_candles(self) -> Sequence[int]:
        """The candles that it reads."""
        return (self._config.candles,)

    def on_event(self, event: MarketEvent, market: MarketView) -> Firing | None:
        """Return a firing when `event` has closed a candle that takes the volatility over the threshold, else None."""
        view = market.get(event.symbol)
        if view is None:
            return None
        candles = view.candles(self._config.candles)
        track = self._tracks.get(event.symbol)
        if track is None:
            track = self._tracks[event.symbol] = Track(self._config)
        if candles.count == track.count:
            return None
        track.count = candles.count
        volatility = self._estimate(candles)
        if volatility is None:
            return None
        value = self._judged(track, volatility)
        if value is None or not track.latch.update(value):
            return None
        return self._firing(event.symbol, volatility, value)

    def state(self, symbol: str) -> dict[str, Any] | None:
        """Return what is known of a symbol, as plain JSON values."""
        track = self._tracks.get(symbol)
        if track is None:
            return None
        return {"count": track.count, "on": track.latch.on, "baseline": track.baseline.state()}

    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        track = self._tracks[symbol] = Track(self._config)
        track.count, track.latch.on = state["count"], state["on"]
        track.baseline.restore(state["baseline"])

    def _estimate(self, candles: CandleView) -> float | None:
        if self._config.estimator == "ewma":
            return candles.volatility
        if self._config.estimator == "realised":
            return candles.realised_volatility(self._config.lookback)
        return candles.parkinson(self._config.lookback)

    def _judged(self, track: Track, volatility: float) -> float | None:
        """Return what is set against the threshold; None while a z-score is not known."""
        if self._config.zscore is None:
            return volatility
        return track.baseline.zscore(volatility) if volatility > 0.0 else None

    def _firing(self, symbol: str, volatility: float, value: float) -> Firing:
        way = "rose" if self._config.direction == "above" else "fell"
        words = f"{symbol}: {self._config.estimator} volatility {way} to {volatility * 100:.3g} % per candle"
        values = {"volatility": volatility}
        if self._config.zscore is None:
            limit = values["threshold"] = self._config.threshold or 0.0
            return Firing(f"{words} (threshold {limit * 100:.3g} %)", symbol, values)
        values |= {"zscore": value, "threshold": self._config.zscore}
        return Firing(f"{words}, {value:+.3g} standard deviations (threshold {self._config.zscore:g})", symbol, values)


def _latch(config: VolatilityConfig) -> Latch:
    falling = config.direction == "below"
    if config.zscore is not None:
        enter = -config.zscore if falling else config.zscore
        return Latch(enter, enter * config.rearm, falling=falling)
    enter = config.threshold or 0.0
    return Latch(enter, enter / config.rearm if falling else enter * config.rearm, falling=falling)
