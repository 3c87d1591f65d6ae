"""What Alpha Vantage's answers mean. Whatever is wrong comes with HTTP status 200, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from feed_alphavantage.eastern import day, moment, zone
from ml4t.live.errors import NOT_SUBSCRIBED, UNAUTHORIZED, UNKNOWN_SYMBOL, FeedRefused, LiveError
from ml4t.live.feeds.polling import RateLimited
from ml4t.live.model import Bar
from ml4t.live.times import NANOS

SOURCE = "alphavantage"
DAY_IS_OVER_SECONDS = 3_600.0
"""How long to wait when the requests of a day are used up: nobody says when its day begins."""
_COLUMNS = ("1. open", "2. high", "3. low", "4. close", "5. volume")
_MINUTE = 60 * NANOS


def check(said: Any, symbol: str) -> Mapping[str, Any]:
    """Return an answer that has data.

    Raises RateLimited and FeedRefused, in words of our own: those of Alpha Vantage quote the key.
    """
    if not isinstance(said, Mapping):
        raise LiveError("Alpha Vantage answers with something that is no table")
    if "Error Message" in said:
        raise _refusal(str(said["Error Message"]).lower(), symbol)
    for words in (said.get("Note"), said.get("Information")):
        if words:
            raise _limit(str(words).lower(), symbol)
    return said


def bars(said: Mapping[str, Any], symbol: str, interval: str) -> list[Bar]:
    """Return the bars of an answer, oldest first. Raises LiveError or ValueError for one that is not as it should be."""
    meta = said.get("Meta Data")
    series = next((value for name, value in said.items() if name.startswith("Time Series")), None)
    if not isinstance(meta, Mapping) or not isinstance(series, Mapping):
        raise LiveError("Alpha Vantage answers without a time series")
    there = zone(next((str(value) for name, value in meta.items() if name.endswith("Time Zone")), "US/Eastern"))
    return sorted(_bars(series, symbol, interval, there), key=lambda bar: bar.event_time)


def _bars(series: Mapping[str, Any], symbol: str, interval: str, there: Any) -> Iterator[Bar]:
    for label, row in series.items():
        start, length = day(label, there) if interval == "1d" else (moment(label, there), minutes(interval))
        first, high, low, last, volume = (float(row[name]) for name in _COLUMNS)
        if not all(map(isfinite, (first, high, low, last, volume))):
            raise ValueError(f"the bar of {label} has numbers that are none")
        yield Bar(symbol, start, first, high, low, last, volume, interval=length, source=SOURCE)


def minutes(interval: str) -> int:
    """Return the nanoseconds of `5min`."""
    return int(interval.removesuffix("min")) * _MINUTE


def _refusal(words: str, symbol: str) -> Exception:
    if "apikey" in words or "api key" in words:
        return FeedRefused("Alpha Vantage does not take this key; check api_key", code=UNAUTHORIZED)
    return FeedRefused(f"Alpha Vantage does not know {symbol}; write it as their symbol search does", code=UNKNOWN_SYMBOL)


def _limit(words: str, symbol: str) -> Exception:
    if "premium endpoint" in words or "premium feature" in words:
        return FeedRefused(f'the key may not have this of {symbol}; use interval = "1d" and full = false', code=NOT_SUBSCRIBED)
    if "demo" in words and "api key" in words:
        return FeedRefused("the demo key is for the examples of Alpha Vantage; claim a key of your own", code=UNAUTHORIZED)
    is_the_days = "per day" in words and "per minute" not in words and "per second" not in words  # some name both
    return RateLimited(
        "Alpha Vantage's limit for this key is reached; ask less often, or set requests and per to what the key may",
        retry_after=DAY_IS_OVER_SECONDS if is_the_days else None,
    )
