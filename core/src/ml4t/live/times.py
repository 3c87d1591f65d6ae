"""Conversions between int nanoseconds UTC, aware datetimes and durations in words."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

NANOS = 1_000_000_000
"""Nanoseconds in a second."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_from_timestamp = datetime.fromtimestamp
_EXACT = 8_000_000_000 * NANOS
"""Until here (the year 2223) the seconds of a float are exact to the microsecond."""
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": NANOS,
    "m": 60 * NANOS,
    "min": 60 * NANOS,
    "h": 3_600 * NANOS,
    "d": 86_400 * NANOS,
    "w": 7 * 86_400 * NANOS,
}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")


def to_datetime(nanoseconds: int) -> datetime:
    """Return the aware UTC datetime of a time in nanoseconds, cut to microseconds."""
    if 0 <= nanoseconds < _EXACT:
        # Four times as fast as adding a timedelta, and it is done for every call of a strategy.
        return _from_timestamp(nanoseconds // 1_000 / 1e6, UTC)
    return _EPOCH + timedelta(microseconds=nanoseconds // 1_000)


def to_nanoseconds(moment: datetime) -> int:
    """Return nanoseconds UTC of an aware datetime.

    Raises ValueError for a naive one: guessing a zone is how a bar ends up on the wrong day.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; add one, for example tzinfo=UTC")
    return (moment - _EPOCH) // _MICROSECOND * 1_000


def parse_duration(text: str) -> int:
    """Return the nanoseconds in a duration such as `250ms`, `30s`, `5m`, `1h30m`, `1d`, `2w`.

    Raises ValueError with the accepted units when the text is not a positive duration.
    """
    parts = _PART.findall(text.strip().lower())
    rest = _PART.sub("", text.strip().lower()).strip()
    if not parts or rest or any(unit not in _UNITS for _, unit in parts):
        raise ValueError(f"{text!r} is not a duration; write a number and a unit ({', '.join(_UNITS)}), as in '5m' or '1h30m'")
    total = sum(round(float(number) * _UNITS[unit]) for number, unit in parts)
    if total <= 0:
        raise ValueError(f"{text!r} is no time at all; a duration is greater than zero")
    return total


def format_duration(nanoseconds: int) -> str:
    """Return the shortest exact writing of a duration that `parse_duration` reads back."""
    parts = []
    for unit in ("w", "d", "h", "m", "s", "ms", "us", "ns"):
        count, nanoseconds = divmod(nanoseconds, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
