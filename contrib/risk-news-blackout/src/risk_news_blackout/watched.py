"""A calendar file that is read again when it changes, on a thread of its own: the gate never waits for a disk."""

from __future__ import annotations

import os
import threading
import time
import weakref
from zoneinfo import ZoneInfo

import structlog
from attrs import frozen

from ml4t.live.times import NANOS
from risk_news_blackout.calendar import Calendar, CalendarError
from risk_news_blackout.config import NewsBlackoutConfig
from risk_news_blackout.csv_file import read_csv
from risk_news_blackout.ics_file import read_ics

LATE = 10
"""A look at the file that is so many times later than it should be: the disk does not answer."""
LEAST_LATE_SECONDS = 30.0

_log = structlog.get_logger("ml4t.live.news_blackout")


@frozen
class Loaded:
    """What the last look found: a calendar, or why there is none."""

    calendar: Calendar | None
    why: str = ""


class WatchedCalendar:
    """The calendar as of the last look at its file. The first look is taken when it is made."""

    def __init__(self, config: NewsBlackoutConfig) -> None:
        self._config = config
        self._seen: tuple[int, ...] | None = None
        self._looked_at = 0.0
        self._loaded = Loaded(None, "it has not been read yet")
        self.look()
        self._patience = max(LEAST_LATE_SECONDS, LATE * config.refresh / NANOS)
        dropped = threading.Event()
        weakref.finalize(self, dropped.set)
        watch = (weakref.ref(self), config.refresh / NANOS, dropped)
        thread = threading.Thread(target=_watch, args=watch, name=f"calendar {config.calendar.name}", daemon=True)
        thread.start()

    @property
    def loaded(self) -> Loaded:
        """What is known now. It reads no file."""
        late = time.monotonic() - self._looked_at
        if late > self._patience:
            return Loaded(None, f"it could not be looked at for {late:.0f} s; is the disk well?")
        return self._loaded

    def look(self) -> None:
        """Read the file if it has changed since the last look."""
        try:
            before = self._stamp()
            if before != self._seen:
                loaded = Loaded(self._read())
                if self._stamp() != before:
                    return  # somebody is writing it; what was read may be a part
                self._take(loaded, before)
        except (OSError, UnicodeDecodeError, CalendarError) as error:
            why = getattr(error, "strerror", None) or str(error)
            self._take(Loaded(None, why), None)
        self._looked_at = time.monotonic()

    def _stamp(self) -> tuple[int, ...]:
        status = os.stat(self._config.calendar)  # noqa: PTH116 - the same as Path.stat, and shorter
        return status.st_mtime_ns, status.st_size, status.st_ino

    def _read(self) -> Calendar:
        path = self._config.calendar
        text = path.read_text(encoding="utf-8-sig")
        zone = ZoneInfo(self._config.timezone) if self._config.timezone else None
        read = read_ics if path.suffix.lower() == ".ics" else read_csv
        return Calendar(read(text, zone), before=self._config.before, after=self._config.after)

    def _take(self, loaded: Loaded, seen: tuple[int, ...] | None) -> None:
        path = str(self._config.calendar)
        if loaded.calendar is not None:
            _log.info("calendar read", path=path, events=loaded.calendar.count)
        elif loaded != self._loaded:
            _log.error("the calendar cannot be used; no position is opened", path=path, why=loaded.why)
        self._loaded, self._seen = loaded, seen


def _watch(watched: weakref.ref[WatchedCalendar], seconds: float, dropped: threading.Event) -> None:
    """Look now and then, for as long as somebody has the calendar."""
    while not dropped.wait(seconds):
        calendar = watched()
        if calendar is None:
            return
        calendar.look()
        del calendar
