"""The options of the volume-spike trigger."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, ge, gt, in_, le

from ml4t.live.config import Duration
from ml4t.live.times import NANOS


@frozen(kw_only=True)
class VolumeSpikeConfig:
    """How much is a spike, and against what."""

    multiple: float = field(default=3.0, validator=gt(1))
    """How many times the usual volume of a candle has to be traded in one."""

    baseline: Literal["time_of_day", "rolling"] = field(default="time_of_day", validator=in_(("time_of_day", "rolling")))
    """What is usual: what is traded at the same time of day, on a day as busy as this one; or the mean of the last candles."""

    candles: Duration = field(default=60 * NANOS, validator=gt(0))
    """The length of a candle."""

    spreads: float = field(default=3.0, validator=ge(0))
    """With `baseline = "time_of_day"`: the logarithm of the volume also has to be this many standard deviations above the usual
    one, so that what is erratic anyway does not fire all day."""

    lookback: int = field(default=20, validator=ge(1))
    """With `baseline = "rolling"`: how many candles the mean is taken over."""

    after_open: Duration = field(default=0, validator=ge(0))
    """How long after the market has opened to look at candles: with `baseline = "rolling"`, the opening is a spike each day."""

    rearm: float = field(default=0.5, validator=and_(ge(0), le(1)))
    """After a firing, a whole candle has to stay below this fraction of `multiple` before the next one."""
