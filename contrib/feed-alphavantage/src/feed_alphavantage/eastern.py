"""Wall-clock times as Alpha Vantage writes them, in the time zone that it names."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from ml4t.live.times import to_nanoseconds

_MODERN = {"US/Eastern": "America/New_York"}
"""Old names of zones are no longer on every system."""


@cache
def zone(name: str) -> ZoneInfo:
    """Return the zone that an answer names. Raises ValueError for a zone that there is not."""
    try:
        return ZoneInfo(_MODERN.get(name, name))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone that this machine knows") from error


def moment(text: str, there: ZoneInfo) -> int:
    """Return nanoseconds UTC of `2026-01-05 09:30:00`; of an hour that happens twice, the first."""
    return to_nanoseconds(datetime.fromisoformat(text).replace(tzinfo=there))


def day(text: str, there: ZoneInfo) -> tuple[int, int]:
    """Return the first nanosecond of a day such as `2026-01-05`, and its length: a day is 23 to 25 hours long."""
    first = date.fromisoformat(text)
    midnights = [datetime(each.year, each.month, each.day, tzinfo=there) for each in (first, first + timedelta(days=1))]
    start, end = map(to_nanoseconds, midnights)
    return start, end - start
