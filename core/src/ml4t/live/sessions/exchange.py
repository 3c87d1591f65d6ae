"""The sessions of an exchange, from the library exchange_calendars."""

from __future__ import annotations

import contextlib
import warnings
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date
from difflib import get_close_matches
from importlib import import_module
from itertools import accumulate
from typing import Any

from ml4t.live.sessions.calendar import DAY

FIRST = "1990-01-01"
"""The first day that is known; recorded data may be old."""

YEARS = 5
"""How far ahead sessions are reckoned, besides the year that the library gives."""

EPOCH = date(1970, 1, 1).toordinal()

Span = tuple[int, int]


class ExchangeSessions:
    """Sessions with holidays, half days, breaks and daylight saving time, as numbers that are looked up.

    A moment belongs to the first session that closes after it, so a trading day begins when the one before has closed. The
    sessions are known for about six years after the start of the process, for some exchanges less; before and after what is
    known the market is closed, and the days are those of UTC.
    """

    def __init__(self, name: str, closes: Sequence[int], hours: Sequence[Span], days: Sequence[int]) -> None:
        """Take when each session closes, the spans in which the market trades, and the date of each session.

        Times are nanoseconds UTC, dates days since 1970; all of them rise.
        """
        self.name = name
        # Arrays and not lists: they go to another process, with a request, in a tenth of the time.
        self._closes = array("q", closes)
        self._days = array("q", days)
        self._begins = array("q", (begin for begin, _ in hours))
        self._ends = array("q", (end for _, end in hours))
        self._opens = array("q", (self._begins[bisect_left(self._begins, close)] for close in (0, *self._closes[:-1])))
        self._before = array("q", (0, *accumulate(end - begin for begin, end in hours)))
        self._first = self._begins[0] // DAY * DAY

    @classmethod
    def of(cls, name: str) -> ExchangeSessions:
        """Return the sessions of an exchange by its MIC, such as XNYS. Raises ValueError when there are none."""
        try:
            known: Any = import_module("exchange_calendars")  # it brings pandas: only for those who name an exchange
        except ImportError as error:
            text = f"the calendar {name!r} needs a library: pip install 'ml4t-live[calendars]', or write \"24/7\""
            raise ValueError(text) from error
        try:
            calendar = _load(known, name)
        except known.errors.InvalidCalendarName as error:
            names = known.get_calendar_names()
            near = get_close_matches(name.upper(), names, n=3) or ["XNYS", "XLON", "XTKS"]
            raise ValueError(f'there is no calendar {name!r}; write "24/7" or one such as {", ".join(near)}') from error
        days = [session.toordinal() - EPOCH for session in calendar.sessions]
        return cls(name, _nanoseconds(calendar.closes), _hours(calendar), days)

    def day(self, moment: int) -> int:
        """Return the date of the session that `moment` belongs to, as days since 1970."""
        place = self._place(moment)
        return moment // DAY if place is None else self._days[place]

    def day_end(self, moment: int) -> int:
        """Return the close of the session that `moment` belongs to."""
        place = self._place(moment)
        return (moment // DAY + 1) * DAY if place is None else self._closes[place]

    def is_open(self, moment: int) -> bool:
        """Return True in the regular hours of a session."""
        place = bisect_right(self._begins, moment) - 1
        return place >= 0 and moment < self._ends[place]

    def open_time(self, since: int, until: int) -> int:
        """Return how much of the time between the two was in regular hours."""
        return max(0, self._elapsed(until) - self._elapsed(since))

    def open_after(self, moment: int) -> int | None:
        """Return the first opening of a session later than `moment`, None beyond what is known."""
        return _later(self._opens, moment)

    def close_after(self, moment: int) -> int | None:
        """Return the first close of a session later than `moment`, None beyond what is known."""
        return _later(self._closes, moment)

    def trading_from(self, moment: int) -> int | None:
        """Return `moment` in regular hours, else when they begin next; None beyond what is known."""
        return moment if self.is_open(moment) else _later(self._begins, moment)

    def after(self, since: int, span: int) -> int:
        """Return when so much of the time after `since` was in regular hours; the end of a session is still that session's."""
        wanted = self._elapsed(since) + span
        place = bisect_left(self._before, wanted) - 1
        if place >= len(self._begins):
            raise ValueError(f"the sessions of {self.name} are not known so far ahead; write a shorter horizon")
        return self._begins[place] + wanted - self._before[place]

    def _place(self, moment: int) -> int | None:
        place = bisect_right(self._closes, moment)
        return place if moment >= self._first and place < len(self._closes) else None

    def _elapsed(self, moment: int) -> int:
        """Return the open time up to `moment`, from the first session on."""
        place = bisect_right(self._begins, moment) - 1
        return 0 if place < 0 else self._before[place] + min(moment, self._ends[place]) - self._begins[place]


def _later(moments: Sequence[int], moment: int) -> int | None:
    place = bisect_right(moments, moment)
    return moments[place] if place < len(moments) else None


def _load(known: Any, name: str) -> Any:
    """Return the library's calendar, from `FIRST` on where it goes back as far. Raises ValueError when it has none to give."""
    end = known.exchange_calendar.GLOBAL_DEFAULT_END  # a year from now: less than a process may live
    for options in ({"start": FIRST, "end": end.replace(year=end.year + YEARS, day=1)}, {"start": FIRST}, {}):
        with warnings.catch_warnings(), contextlib.suppress(ValueError, NotImplementedError):
            warnings.simplefilter("ignore")  # what the library makes of pandas is between the two
            return known.get_calendar(name, **options)
    raise ValueError(f'the sessions of calendar {name!r} cannot be reckoned by exchange_calendars; write another, or "24/7"')


def _hours(calendar: Any) -> list[Span]:
    """Return the spans in which an exchange trades: a session, or its two parts around a break."""
    begins, ends = _nanoseconds(calendar.opens), _nanoseconds(calendar.closes)
    pauses = calendar.break_starts.notna()
    spans: list[Span] = []
    for begin, end, paused, pause, again in zip(begins, ends, pauses, calendar.break_starts, calendar.break_ends, strict=True):
        spans += [(begin, _nanosecond(pause)), (_nanosecond(again), end)] if paused else [(begin, end)]
    return spans


def _nanoseconds(times: Any) -> list[int]:
    return [_nanosecond(time) for time in times]


def _nanosecond(time: Any) -> int:
    return int(time.as_unit("ns").value)
