"""The options of the feed."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from attrs import field, frozen
from attrs.validators import ge, gt, in_, matches_re

from ml4t.live.config import Duration
from ml4t.live.feeds.polling_config import PollingConfig
from ml4t.live.times import NANOS

INTERVALS = ("1m", "2m", "5m", "15m", "30m", "60m", "1d")
LEAST_EVERY = 15 * NANOS
LEAST_PAUSE_SECONDS = 60.0
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


@frozen(kw_only=True)
class YahooConfig(PollingConfig):
    """Which bars, and how gently they are asked for."""

    interval: Literal["1m", "2m", "5m", "15m", "30m", "60m", "1d"] = field(default="1m", validator=in_(INTERVALS))
    """The length of a bar."""

    extended_hours: bool = False
    """Intraday bars before and after the regular session, too."""

    every: Duration = field(default=60 * NANOS, validator=gt(0))
    """How often each symbol is asked for, at whole multiples of this time (nanoseconds); at least 15 s."""

    delay: Duration = field(default=10 * NANOS, validator=ge(0))
    """How long after the end of a bar it is still changed: before that it is not complete (nanoseconds)."""

    requests: int = field(default=30, validator=gt(0))
    """How many requests may be made in `per`, for all symbols and the history together."""

    user_agent: str = field(default="ml4t-live-feed-yfinance", validator=matches_re(r"[\x20-\x7e]+"))
    """What the program calls itself."""

    url: str = field(default="https://query1.finance.yahoo.com", validator=matches_re(r"https?://[^/]+"))
    """Where to ask, without a path."""

    def __attrs_post_init__(self) -> None:
        """Refuse what does not go together and, unless it is a simulator that is asked, what would be rude."""
        if self.extended_hours and self.interval == "60m":
            raise ValueError("extended_hours and 60m do not go together: the hours of the session begin at half past")
        if urlsplit(self.url).hostname in _HERE:
            return
        if self.every < LEAST_EVERY:
            raise ValueError('every is below 15 s, and Yahoo bans who asks more often; write every = "15s" or more')
        if self.pause_seconds < LEAST_PAUSE_SECONDS:
            raise ValueError("pause_seconds is below 60, and Yahoo bans who comes back sooner; write 60 or more")
