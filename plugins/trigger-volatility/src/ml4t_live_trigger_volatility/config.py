"""The options of the volatility trigger."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, ge, gt, in_, le, optional

from ml4t.live.config import Duration
from ml4t.live.times import NANOS

ESTIMATORS = ("ewma", "realised", "parkinson")


@frozen(kw_only=True)
class VolatilityConfig:
    """Which estimator, and when it is out of range: exactly one of `threshold` and `zscore`."""

    threshold: float | None = field(default=None, validator=optional(gt(0)))
    """The volatility per candle at which it fires, as a fraction of the price: 0.02 is 2 %."""

    zscore: float | None = field(default=None, validator=optional(gt(0)))
    """How many standard deviations the logarithm of volatility has to be away from its own mean."""

    estimator: Literal["ewma", "realised", "parkinson"] = field(default="ewma", validator=in_(ESTIMATORS))
    """Exponentially weighted returns, the standard deviation of the last returns, or highs and lows of the last candles."""

    direction: Literal["above", "below"] = field(default="above", validator=in_(("above", "below")))
    """Whether it fires when volatility rises or when it falls so far."""

    candles: Duration = field(default=60 * NANOS, validator=gt(0))
    """The length of a candle."""

    lookback: int = field(default=20, validator=ge(2))
    """With `realised` and `parkinson`: over how many candles."""

    baseline: int = field(default=200, validator=ge(10))
    """With `zscore`: over how many candles mean and standard deviation forget; before so many it does not fire."""

    rearm: float = field(default=0.8, validator=and_(gt(0), le(1)))
    """After a firing, the volatility has to come back below this fraction of `threshold` or `zscore` before the next one; with
    `direction = "below"`, above the threshold divided by it, or within this fraction of the z-score."""

    def __attrs_post_init__(self) -> None:
        """Refuse what does not go together."""
        if (self.threshold is None) == (self.zscore is None):
            raise ValueError("give exactly one of threshold and zscore, for example threshold = 0.02")
