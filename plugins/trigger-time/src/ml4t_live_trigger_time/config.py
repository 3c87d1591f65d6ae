"""The options of the time trigger."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Iterable
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import ge, gt, in_, optional

from ml4t.live.config import Duration
from ml4t.live.times import format_duration, parse_duration

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""The names of the days, in the order of `datetime.weekday`."""

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")

_PHASE = re.compile(r"(open|close)(?:([+-])(.+))?")


@frozen
class Phase:
    """A moment of every session: its open or its close, and so much later (or, below zero, earlier), in nanoseconds."""

    edge: str
    offset: int


def parse_phase(text: str) -> Phase:
    """Return the phase that `open`, `open+5m` or `close-10m` names. Raises ValueError with an example."""
    found = _PHASE.fullmatch(text.replace(" ", ""))
    if found is None:
        raise ValueError(f"{text!r} is no moment of a session; write open or close, as in 'open+5m' or 'close-10m'")
    edge, sign, length = found.groups()
    offset = parse_duration(length) if length else 0
    return Phase(edge, -offset if sign == "-" else offset)


def _strings(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(f'{value!r} is one string where a list is wanted; write ["{value}"]')
    return tuple(value)


def _times_of_day(_instance: object, _attribute: Any, value: tuple[str, ...]) -> None:
    for text in value:
        if not _TIME_OF_DAY.fullmatch(text):
            raise ValueError(f"{text!r} is not a time of day; write HH:MM or HH:MM:SS, as in '09:30'")


def _day_names(_instance: object, _attribute: Any, value: tuple[str, ...]) -> None:
    for name in value:
        if name not in WEEKDAYS:
            raise ValueError(f"{name!r} is not a day of the week; choose from {', '.join(WEEKDAYS)}")


def _time_zone(_instance: object, _attribute: Any, value: str) -> None:
    try:
        zoneinfo.ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # OSError: the name of a folder of the database, such as "America"
        near = difflib.get_close_matches(value, sorted(zoneinfo.available_timezones()), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "use an IANA name such as 'America/New_York'"
        raise ValueError(f"{value!r} is not a known time zone; {hint}") from None


def _phases(_instance: object, _attribute: Any, value: tuple[str, ...]) -> None:
    for text in value:
        parse_phase(text)


def _cron_expression(_instance: object, _attribute: Any, value: str | None) -> None:
    if value is not None:
        # Here and not at the top: listing the plugins reads this module and must not load cronsim.
        from ml4t_live_trigger_time.schedules.cron import validate  # noqa: PLC0415

        validate(value)


@frozen(kw_only=True)
class TimeTriggerConfig:
    """When to fire: exactly one of `every`, `at`, `cron` and `session`."""

    every: Duration | None = field(default=None, validator=optional(gt(0)))
    """Fire once per this length of time (nanoseconds), counted from 1970-01-01 00:00 UTC: `1h` is every full hour UTC."""

    offset: Duration = field(default=0, validator=ge(0))
    """With `every`: fire this much later (nanoseconds, shorter than `every`)."""

    at: tuple[str, ...] = field(default=(), converter=_strings, validator=_times_of_day)
    """Fire at these times of day (`HH:MM` or `HH:MM:SS`) on the clocks of `timezone`."""

    weekdays: tuple[str, ...] = field(default=(), converter=_strings, validator=_day_names)
    """With `at`: only on these days of the week (`mon` to `sun`, in `timezone`); empty means every day."""

    cron: str | None = field(default=None, validator=_cron_expression)
    """Fire by this expression of five fields (minute, hour, day of month, month, day of week) on the clocks of `timezone`."""

    session: tuple[str, ...] = field(default=(), converter=_strings, validator=_phases)
    """Fire at these moments of every session of `calendar`: `open`, `close`, `open+5m`, `close-10m`."""

    timezone: str = field(default="UTC", validator=_time_zone)
    """With `at` and `cron`: the IANA time zone whose clocks they are read on. With `only = "days"`: whose dates count."""

    calendar: str = "24/7"
    """With `session` and `only`: the market, by the name of its exchange such as `XNYS`, which needs
    `pip install 'ml4t-live[calendars]'`."""

    only: Literal["hours", "days"] | None = field(default=None, validator=optional(in_(("hours", "days"))))
    """With `every`, `at` and `cron`: fire only while the market trades, or only on its trading days."""

    def __attrs_post_init__(self) -> None:
        """Refuse what does not go together."""
        given = [name for name in ("every", "at", "cron", "session") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"give exactly one of every, at, cron and session; given: {' and '.join(given) or 'none'}")
        if self.session and (self.only or self.timezone != "UTC"):
            raise ValueError("session follows the clocks and days of its calendar; leave only and timezone out")
        if not self.session and (self.only is None) != (self.calendar == "24/7"):
            raise ValueError('calendar goes with session, or with only = "hours" or "days"; give both or neither')
        if self.every is None and self.offset:
            raise ValueError("offset goes with every only; move the times of at or cron instead")
        if self.every is not None and self.offset >= self.every:
            raise ValueError(
                f"offset ({format_duration(self.offset)}) must be shorter than every ({format_duration(self.every)})"
            )
        if self.every is not None and self.timezone != "UTC" and self.only != "days":
            raise ValueError("every is counted in UTC; use at or cron for the clocks of a timezone")
        if self.weekdays and not self.at:
            raise ValueError("weekdays goes with at only; with cron the fifth field says the days")
