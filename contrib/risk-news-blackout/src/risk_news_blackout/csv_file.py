"""Calendars as CSV: `time,name,symbols,end,timezone`, of which only `time` must be there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from risk_news_blackout.calendar import CalendarError, Event
from risk_news_blackout.times import span, zone_of

COLUMNS = frozenset({"time", "name", "symbols", "end", "timezone"})


def read_csv(text: str, zone: ZoneInfo | None) -> Iterator[Event]:
    """Yield the events of a file. Raises CalendarError with the line that is wrong."""
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        names = {(name or "").strip() for name in reader.fieldnames or ()}
        if "time" not in names or names - COLUMNS:
            raise CalendarError(f"line 1: the columns are {', '.join(sorted(COLUMNS))}, and time must be there")
        for row in reader:
            yield _event(row, zone, reader.line_num)
    except csv.Error as error:
        raise CalendarError(f"line {reader.line_num}: {error}") from None


def _event(row: Mapping[str | None, str | None], zone: ZoneInfo | None, line: int) -> Event:
    if None in row or None in row.values():
        raise CalendarError(f"line {line}: it has another number of cells than the first line")
    cells = {(name or "").strip(): (cell or "").strip() for name, cell in row.items()}
    try:
        own = zone_of(cells["timezone"]) if cells.get("timezone") else zone
        first = _moment(cells["time"])
        last = _moment(cells["end"]) if cells.get("end") else first
        start, end = span(first, last, own)
        if end < start:
            raise ValueError("it ends before it starts")
    except ValueError as error:
        raise CalendarError(f"line {line}: {error}") from None
    symbols = frozenset(cells.get("symbols", "").replace(";", " ").split()) - {"*"}
    return Event(start, end, cells.get("name", "") or "an event", symbols)


def _moment(text: str) -> date | datetime:
    return date.fromisoformat(text) if len(text) == len("2026-01-28") else datetime.fromisoformat(text)
