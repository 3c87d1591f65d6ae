"""Only while a market trades, or only on its days."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Protocol

from ml4t.live.sessions import Calendar
from ml4t.live.times import to_datetime, to_nanoseconds


class Inner(Protocol):
    """The schedule that is thinned out."""

    def next_time(self, after: int) -> int | None:
        """Return the first moment later than `after` (nanoseconds UTC), None when there is none."""
        ...


class OnlyHours:
    """Those moments of a schedule at which a market trades, breaks left out."""

    def __init__(self, inner: Inner, calendar: Calendar) -> None:
        self._inner = inner
        self._calendar = calendar

    def next_time(self, after: int) -> int | None:
        """Return the first moment later than `after`, None beyond the sessions that are known."""
        moment = self._inner.next_time(after)
        while moment is not None:
            trades = self._calendar.trading_from(moment)
            if trades is None or trades == moment:
                return trades
            moment = self._inner.next_time(trades - 1)
        return None


class OnlyDays:
    """Those moments of a schedule that are on a trading day: on a date, in a time zone, on which a session opens."""

    def __init__(self, inner: Inner, calendar: Calendar, zone: tzinfo) -> None:
        self._inner = inner
        self._calendar = calendar
        self._zone = zone

    def next_time(self, after: int) -> int | None:
        """Return the first moment later than `after`, None beyond the sessions that are known."""
        moment = self._inner.next_time(after)
        while moment is not None:
            opens = self._calendar.open_after(self._midnight(moment) - 1)
            if opens is None or opens < self._midnight(moment, days=1):
                return None if opens is None else moment
            moment = self._inner.next_time(self._midnight(opens) - 1)
        return None

    def _midnight(self, moment: int, days: int = 0) -> int:
        """Return when the local date of a moment begins, or the date so many days later."""
        date = to_datetime(moment).astimezone(self._zone).date() + timedelta(days=days)
        return to_nanoseconds(datetime.combine(date, time(), self._zone).astimezone(UTC))
