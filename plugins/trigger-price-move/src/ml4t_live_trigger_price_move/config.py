"""The options of the price-move trigger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, get_args

from attrs import Attribute, field, frozen
from attrs.validators import and_, ge, gt, in_, le, optional

from ml4t.live.config import Duration
from ml4t.live.times import to_nanoseconds

Reference = Literal["last_firing", "previous_close", "session_open", "window", "anchor"]
Unit = Literal["fraction", "percent", "bps", "atr", "sigma"]

FRACTIONS = {"fraction": 1.0, "percent": 1e-2, "bps": 1e-4}
"""The units that are a fixed part of the reference price."""


def _moment(_: object, __: Attribute[Any], value: str | None) -> None:
    if value is None:
        return
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is not a moment; write it as in '2026-01-05T14:30:00+00:00'") from None


@frozen(kw_only=True)
class PriceMoveConfig:
    """How far a price has to move, from where, and which way."""

    threshold: float = field(validator=gt(0))
    """The move that fires, in units of `unit`: 0.02 of a fraction is 2 %."""

    unit: Unit = field(default="fraction", validator=in_(get_args(Unit)))
    """What `threshold` is a number of: the reference price (fraction), hundredths or ten-thousandths of it (percent, bps), its
    average true range (atr) or its volatility (sigma) per candle of `candles`."""

    direction: Literal["up", "down", "both"] = field(default="both", validator=in_(("up", "down", "both")))
    """Which moves fire."""

    reference: Reference = field(default="last_firing", validator=in_(get_args(Reference)))
    """What a move is measured from: the price that moved far enough last (at first, the first price seen), the last price of
    the trading day before, the first price in this day's hours, the price one `window` ago, or that at `anchor`."""

    window: Duration | None = field(default=None, validator=optional(gt(0)))
    """With `reference = "window"`: how long ago (nanoseconds of event time)."""

    anchor: str | None = field(default=None, validator=_moment)
    """With `reference = "anchor"`: a moment (ISO 8601, UTC unless it says otherwise). The first price from then on is the
    reference; without a moment, the first price of all."""

    rearm: float = field(default=0.5, validator=and_(ge(0), le(1)))
    """After a firing, the move has to come back below this fraction of `threshold` before the same direction can fire again;
    with `last_firing`, which moves the reference instead, it means nothing."""

    samples: int = field(default=240, validator=ge(1))
    """With `reference = "window"`: how many prices per symbol are kept of a window. The reference is older than `window` by
    at most one part in this many."""

    candles: Duration | None = field(default=None, validator=optional(gt(0)))
    """With `unit = "atr"` or `"sigma"`: the length of the candles that it is taken from."""

    lookback: int = field(default=14, validator=ge(1))
    """With `unit = "atr"`: over how many candles the true range is averaged."""

    def __attrs_post_init__(self) -> None:
        """Refuse what does not go together."""
        if self.unit in FRACTIONS and self.threshold * FRACTIONS[self.unit] >= 1:
            raise ValueError(f"a threshold of {self.threshold:g} {self.unit} is the whole price; write a smaller one")
        if self.reference == "window" and self.window is None:
            raise ValueError('reference = "window" needs a window, for example window = "5m"')
        if self.reference != "window" and self.window is not None:
            raise ValueError('window goes with reference = "window" only; add that line or leave window out')
        if self.reference != "anchor" and self.anchor is not None:
            raise ValueError('anchor goes with reference = "anchor" only; add that line or leave anchor out')
        if (self.unit in FRACTIONS) != (self.candles is None):
            raise ValueError('unit = "atr" and "sigma" need candles, for example candles = "1h", and the other units need none')

    @property
    def anchored_at(self) -> int:
        """The moment in `anchor`, nanoseconds UTC; 0 without one."""
        if self.anchor is None:
            return 0
        moment = datetime.fromisoformat(self.anchor)
        return to_nanoseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
