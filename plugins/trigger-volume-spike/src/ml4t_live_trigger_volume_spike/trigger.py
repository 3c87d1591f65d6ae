"""The volume-spike trigger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Any

from attrs import asdict, define

from ml4t.live.contracts import CandleView, MarketView
from ml4t.live.model import Bar, Firing, MarketEvent, Trade
from ml4t_live_trigger_volume_spike.config import VolumeSpikeConfig


@define
class Track:
    """What is known of one symbol: the candle at which it stands, and whether its spike has been told."""

    start: int = -1
    expected: float | None = None
    ratio: float | None = None
    """What the candle has traded so far over what is usual."""
    average: float | None = None
    """The mean over the candles that had been closed when the last one began or ended."""
    silent: bool = False


class VolumeSpike:
    """Fires once when a candle has traded a multiple of the usual volume, as soon as it has, each symbol for itself.

    A spike that goes on over several candles is one. It reads no clock and nothing but the candles of the market.
    """

    def __init__(self, config: VolumeSpikeConfig) -> None:
        self._config = config
        self._tracks: dict[str, Track] = {}

    @property
    def needs_candles(self) -> Sequence[int]:
        """The candles that it reads."""
        return (self._config.candles,)

    def on_event(self, event: MarketEvent, market: MarketView) -> Firing | None:
        """Return a firing when `event` completes a spike, else None."""
        kind = event.__class__
        if kind is not Trade and kind is not Bar:
            return None
        view = market.get(event.symbol)
        if view is None:
            return None
        candles = view.candles(self._config.candles)
        track = self._tracks.get(event.symbol)
        if track is None:
            track = self._tracks[event.symbol] = Track()
        if candles.start != track.start:
            self._turn(track, candles, market)
        expected = track.expected
        if not expected:
            return None
        ratio = track.ratio = candles.volume / expected
        if track.silent or ratio < self._config.multiple or not self._stands_out(ratio, candles):
            return None
        track.silent = True
        return self._firing(event.symbol, candles, expected, ratio)

    def state(self, symbol: str) -> dict[str, Any] | None:
        """Return what is known of a symbol, as plain JSON values."""
        track = self._tracks.get(symbol)
        return None if track is None else asdict(track)

    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._tracks[symbol] = Track(**state)

    def _turn(self, track: Track, candles: CandleView, market: MarketView) -> None:
        """Go on to the next candle."""
        if track.ratio is None or track.ratio < self._config.rearm * self._config.multiple:
            track.silent = False
        track.start, track.ratio = candles.start, None
        if self._config.baseline == "time_of_day":
            track.expected = candles.expected_volume
        else:
            average = candles.average_volume(self._config.lookback)
            # A bar closes its candle at once: what is usual before it was reckoned when the one before ended.
            track.expected = average if candles.running else track.average
            track.average = average
        if self._config.after_open and not market.calendar.is_open(candles.start - self._config.after_open):
            track.expected = None

    def _stands_out(self, ratio: float, candles: CandleView) -> bool:
        return self._config.baseline == "rolling" or log(ratio) >= self._config.spreads * candles.volume_spread

    def _firing(self, symbol: str, candles: CandleView, expected: float, ratio: float) -> Firing:
        usual = "at this time of day" if self._config.baseline == "time_of_day" else f"over {self._config.lookback} candles"
        words = (
            f"{symbol} traded {candles.volume:.6g}, {ratio:.3g} times the usual {expected:.6g} {usual} "
            f"(threshold {self._config.multiple:g})"
        )
        values = {"volume": candles.volume, "expected": expected, "ratio": ratio, "threshold": self._config.multiple}
        return Firing(reason=words, symbol=symbol, values=values)
