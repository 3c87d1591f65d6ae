"""The options of the feed."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import ge, gt, in_, matches_re

from ml4t.live.config import Duration, Secret
from ml4t.live.feeds.polling_config import PollingConfig
from ml4t.live.times import NANOS

Interval = Literal["1min", "5min", "15min", "30min", "60min", "1d"]
INTERVALS = ("1min", "5min", "15min", "30min", "60min", "1d")
HOUR = 3_600 * NANOS


def _secret(value: str | Secret) -> Secret:
    return Secret.of(value)


@frozen(kw_only=True)
class AlphaVantageConfig(PollingConfig):
    """Which bars, with which key, within which limits. The defaults are those of a free key."""

    api_key: Secret = field(converter=_secret)
    """The key."""

    interval: Interval = field(default="1d", validator=in_(INTERVALS))
    """The length of a bar. Anything but 1d takes a paid key."""

    extended_hours: bool = True
    """Intraday bars from 4:00 to 20:00 New York time; false: those of the regular session only."""

    full: bool = False
    """The key may have the whole history (`outputsize=full`, paid); without it only the last 100 bars can be had."""

    every: Duration = field(default=HOUR, validator=gt(0))
    """How often each symbol is asked for, at whole multiples of this time (nanoseconds)."""

    delay: Duration = field(default=60 * NANOS, validator=ge(0))
    """How long after the end of a bar it is still changed: before that it is not complete (nanoseconds)."""

    requests: int = field(default=25, validator=gt(0))
    """How many requests the key may make in `per`, for all symbols and the history together."""

    per: Duration = field(default=24 * HOUR, validator=gt(0))
    """The time that `requests` are counted over (nanoseconds)."""

    url: str = field(default="https://www.alphavantage.co", validator=matches_re(r"https?://[^/]+"))
    """Where to ask, without a path."""
