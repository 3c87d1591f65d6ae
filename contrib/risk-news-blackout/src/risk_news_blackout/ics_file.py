"""Calendars as iCalendar (RFC 5545), as far as a list of events needs it: no repetitions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from risk_news_blackout.calendar import CalendarError, Event
from risk_news_blackout.times import span, zone_of

_LINE = re.compile(r"([A-Za-z0-9-]+)((?:;[^:;=]+=(?:\"[^\"]*\"|[^:;\"]*))*):(.*)", re.DOTALL)
_REPEATS = frozenset({"RRULE", "RDATE"})

Properties = dict[str, tuple[Mapping[str, str], str]]


def read_ics(text: str, zone: ZoneInfo | None) -> Iterator[Event]:
    """Yield the events of a file. Raises CalendarError with the line that is wrong.

    `CATEGORIES` are the symbols of an event; one without any concerns all of them. Events that are cancelled are left out.
    """
    within: Properties | None = None
    ended = False
    for number, line in _unfolded(text):
        name, parameters, value = _parts(line, number)
        if (name, value) == ("BEGIN", "VEVENT"):
            within = {}
        elif (name, value) == ("END", "VEVENT") and within is not None:
            if within.get("STATUS", ({}, ""))[1].upper() != "CANCELLED":
                yield _event(within, zone, number)
            within = None
        elif within is not None:
            within[name] = parameters, value
        ended = (name, value) == ("END", "VCALENDAR")
    if not ended:
        raise CalendarError("it does not end with END:VCALENDAR; a part of it is missing")


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers; a line that begins with a space goes on with the one before."""
    whole: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1] in {" ", "\t"} and whole:
            whole[-1] = whole[-1][0], whole[-1][1] + line[1:]
        elif line.strip():
            whole.append((number, line))
    yield from whole


def _parts(line: str, number: int) -> tuple[str, Mapping[str, str], str]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise CalendarError(f"line {number}: it is not NAME:VALUE")
    name, given, value = match.groups()
    pairs = (each.partition("=") for each in given.split(";")[1:])
    return name.upper(), {key.upper(): text.strip('"') for key, _, text in pairs}, value.strip()


def _event(properties: Properties, zone: ZoneInfo | None, line: int) -> Event:
    if repeats := _REPEATS & properties.keys():
        raise CalendarError(f"line {line}: an event with {', '.join(repeats)}: write every repetition as an event of its own")
    if "DTSTART" not in properties or "DURATION" in properties:
        raise CalendarError(f"line {line}: an event needs DTSTART, and DTEND rather than DURATION")
    try:
        first, own = _moment(*properties["DTSTART"], zone)
        start, end = span(first, first, own)
        if "DTEND" in properties:
            last, own = _moment(*properties["DTEND"], zone)
            # The end of whole days is the day after, and not part of it.
            end = span(last, last, own)[isinstance(last, datetime)]
        if end < start:
            raise ValueError("it ends before it starts")
    except ValueError as error:
        raise CalendarError(f"line {line}: {error}") from None
    name = properties.get("SUMMARY", ({}, ""))[1].replace("\\,", ",").replace("\\;", ";") or "an event"
    symbols = properties.get("CATEGORIES", ({}, ""))[1].split(",")
    return Event(start, end, name, frozenset(each.strip() for each in symbols if each.strip()))


def _moment(parameters: Mapping[str, str], text: str, zone: ZoneInfo | None) -> tuple[date | datetime, ZoneInfo | None]:
    if "TZID" in parameters:
        zone = zone_of(parameters["TZID"])
    if len(text) == len("20260128"):
        return datetime.strptime(text, "%Y%m%d").date(), zone  # noqa: DTZ007 - a day has no zone
    if text.endswith("Z"):
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC), None
    return datetime.strptime(text, "%Y%m%dT%H%M%S"), zone  # noqa: DTZ007 - the zone goes with it
