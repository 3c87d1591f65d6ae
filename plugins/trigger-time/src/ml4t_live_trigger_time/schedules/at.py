"""At times of day, on the clocks of a time zone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ml4t.live.times import to_datetime, to_nanoseconds

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


class AtSchedule:
    """The given times of day (`HH:MM` or `HH:MM:SS`), on the given weekdays (0 is Monday; none given: all).

    When clocks are put back, a time that comes twice counts the first time; when they are put forward, a time that is
    left out counts as the first moment after the gap. So each time counts exactly once on each of its days.
    """

    def __init__(self, times: Iterable[str], zone: ZoneInfo, weekdays: Collection[int] = ()) -> None:
        self._times = sorted(time.fromisoformat(text) for text in times)
        self._zone = zone
        self._weekdays = frozenset(weekdays) or frozenset(range(7))

    def next_time(self, after: int) -> int:
        """Return the first moment later than `after`."""
        for day in self._days(to_datetime(after).astimezone(self._zone).date()):
            for time_of_day in self._times:
                moment = _moment(datetime.combine(day, time_of_day), self._zone)
                if moment > after:
                    return moment
        raise AssertionError("days never end")

    def _days(self, day: date) -> Iterator[date]:
        while True:
            if day.weekday() in self._weekdays:
                yield day
            day += _DAY


def _moment(local: datetime, zone: ZoneInfo) -> int:
    """Return when the clocks of `zone` first show `local`, or the first minute after it that they do show."""
    while True:
        utc = local.replace(tzinfo=zone).astimezone(UTC)
        if utc.astimezone(zone).replace(tzinfo=None) == local:
            return to_nanoseconds(utc)
        local = local.replace(second=0) + _MINUTE
