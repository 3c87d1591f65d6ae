"""The options of the trigger."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import and_, ge, gt, lt

from ml4t.live.config import Duration
from ml4t.live.times import NANOS


@frozen(kw_only=True)
class AdaptiveConfig:
    """How often it fires, and how fast it learns."""

    rate: float = field(default=0.01, validator=and_(gt(0), lt(1)))
    """The share of candles on which it fires in the long run: 0.01 is one in a hundred."""

    candles: Duration = field(default=300 * NANOS, validator=gt(0))
    """The length of a candle (nanoseconds)."""

    learning_rate: float = field(default=0.05, validator=and_(gt(0), lt(1)))
    """How far one candle moves the threshold, in standard deviations: faster follows sooner, slower wanders less."""

    warmup: int = field(default=100, validator=ge(1))
    """Candles of a symbol that are only learned from; before so many it does not fire."""

    start: float = field(default=3.0, validator=gt(0))
    """The threshold that learning begins with, in standard deviations."""
