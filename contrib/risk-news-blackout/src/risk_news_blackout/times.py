"""Times as calendars write them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ml4t.live.times import to_nanoseconds


def span(first: date | datetime, last: date | datetime, zone: ZoneInfo | None) -> tuple[int, int]:
    """Return the nanoseconds UTC from `first` to `last`; a date alone is its whole day.

    A time without a zone is one of `zone`; when that hour happens twice, from the first to the second. Raises ValueError.
    """
    return min(_moments(first, zone)), max(_moments(_end_of(last), zone))


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone. Raises ValueError when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; write one such as America/New_York") from None


def _end_of(moment: date | datetime) -> date | datetime:
    return moment if isinstance(moment, datetime) else moment + timedelta(days=1)


def _moments(moment: date | datetime, zone: ZoneInfo | None) -> list[int]:
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001 - the zone follows
    if moment.tzinfo is not None:
        return [to_nanoseconds(moment)]
    if zone is None:
        raise ValueError(f"{moment:%Y-%m-%d %H:%M} has no time zone; add one, or set timezone for all of them")
    return [to_nanoseconds(moment.replace(tzinfo=zone, fold=fold)) for fold in (0, 1)]
