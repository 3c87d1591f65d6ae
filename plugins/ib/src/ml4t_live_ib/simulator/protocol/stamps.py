"""Times as TWS writes them."""

from __future__ import annotations

import datetime as dt
import time
import zoneinfo

from ml4t.live.times import NANOS


class Clock:
    """The clocks of the login's time zone."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._info = zoneinfo.ZoneInfo(zone)

    def at(self, second: float) -> dt.datetime:
        """Return the local time of a moment, seconds since 1970 UTC."""
        return dt.datetime.fromtimestamp(second, self._info)

    def stamp(self, nanos: int) -> str:
        """Return `20260105 09:30:00 US/Eastern` for nanoseconds UTC."""
        return f"{self.at(nanos // NANOS):%Y%m%d %H:%M:%S} {self.zone}"

    def greeting(self, second: float) -> str:
        """Return `20260105 09:30:00 EST`, the time in the handshake."""
        return f"{self.at(second):%Y%m%d %H:%M:%S %Z}"

    def date(self, nanos: int) -> str:
        """Return the local date, YYYYMMDD."""
        return f"{self.at(nanos // NANOS):%Y%m%d}"

    def today(self) -> str:
        """Return the local date now, YYYYMMDD."""
        return self.date(time.time_ns())

    def parse(self, text: str) -> int:
        """Return the seconds since 1970 UTC of `YYYYMMDD[ -]HH:MM:SS[ zone]`; with a dash, or `UTC`, it is UTC.

        Raises ValueError.
        """
        date, _, rest = text.replace("-", " ", 1).partition(" ")
        hour, _, zone = rest.strip().partition(" ")
        moment = dt.datetime.strptime(f"{date} {hour or '00:00:00'}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007 - the zone is next
        try:
            info = zoneinfo.ZoneInfo("UTC") if "-" in text[:9] else zoneinfo.ZoneInfo(zone) if zone else self._info
        except (KeyError, OSError) as error:
            raise ValueError(f"{zone!r} is not a time zone") from error
        return int(moment.replace(tzinfo=info).timestamp())
