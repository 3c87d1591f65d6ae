"""Times as files write them, in nanoseconds UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ml4t.live.times import NANOS, to_nanoseconds

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d{1,2})?")
_DAY = re.compile(r"(19|20|21)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_FINE = re.compile(r"(\d{1,3})\d*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = -(1 << 63), (1 << 63) - 1
_REMEMBERED = 65_536


class StampReader:
    """Reads ISO dates, ISO dates and times with or without a zone, and epoch numbers whose unit shows in their size.

    A number below 1e11 counts seconds since 1970, below 1e14 milliseconds, below 1e17 microseconds, above nanoseconds;
    eight digits that can be a day of 1900 to 2199, such as `20240131`, are that day. What has no zone is in `timezone`.
    """

    def __init__(self, timezone: str = "UTC") -> None:
        self._zone: tzinfo = UTC if timezone == "UTC" else ZoneInfo(timezone)
        # Symbols share their days, so the same text comes again and again; emptied when full, to stay small.
        self._days: dict[Any, int] = {}

    def __call__(self, value: Any) -> int:
        """Return nanoseconds UTC. Raises ValueError when `value` is no time."""
        kind = value.__class__
        if kind is str and len(value) > 10:
            return self._read_iso(value) if value[4] == "-" else self._read_text(value.strip())
        moment = self._days.get(value)
        if moment is None:
            moment = self._read(value)
            if len(self._days) >= _REMEMBERED:
                self._days.clear()
            self._days[value] = moment
        return moment

    def end_of(self, value: str | date | datetime) -> int:
        """Return nanoseconds UTC of the first moment after `value`: after the whole day when it is a date alone."""
        day = value
        if isinstance(value, str):
            try:
                day = date.fromisoformat(value.strip())
            except ValueError:
                return self(value)
        if isinstance(day, datetime) or not isinstance(day, date):
            return self(value)
        return self(day + timedelta(days=1))

    def _read(self, value: Any) -> int:
        if isinstance(value, str):
            return self._read_text(value.strip())
        if isinstance(value, datetime):
            return to_nanoseconds(value if value.tzinfo else value.replace(tzinfo=self._zone))
        if isinstance(value, date):
            return to_nanoseconds(datetime.combine(value, time(), self._zone))
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self._read_text(str(value))
        raise ValueError(f"{value!r} is not a time")

    def _read_text(self, text: str) -> int:
        if _NUMBER.fullmatch(text) and not _DAY.fullmatch(text):
            return _from_epoch(int(text) if text.isdigit() else Decimal(text))
        return self._read_iso(text)

    def _read_iso(self, text: str) -> int:
        below = 0
        dot = text.find(".")
        if dot > 0 and text[dot + 7 : dot + 8].isdigit():
            # datetime ends at microseconds: the digits below are taken off and added again.
            fine = _FINE.match(text, dot + 7)
            if fine:
                text, below = text[: dot + 7] + text[fine.end() :], int(fine[1].ljust(3, "0"))
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise ValueError(f"{text!r} is not a time; write it as 2024-01-31 or 2024-01-31T09:30:00Z") from None
        since = (moment if moment.tzinfo else moment.replace(tzinfo=self._zone)) - _EPOCH
        # In whole numbers: a float of seconds has no room for nanoseconds.
        return _checked((since.days * 86_400 + since.seconds) * NANOS + since.microseconds * 1_000 + below)


def _from_epoch(number: int | Decimal) -> int:
    size = abs(int(number))
    for limit, unit in ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3)):
        if size < limit:
            return _checked(int(number * unit))
    return _checked(int(number))


def _checked(moment: int) -> int:
    if not _FIRST <= moment <= _LAST:
        raise ValueError("a time before 1678 or after 2261 does not fit into nanoseconds")
    return moment
