"""The options of the check."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from attrs import field, frozen
from attrs.validators import ge, gt, in_

from ml4t.live.config import Duration
from ml4t.live.times import NANOS

MINUTE = 60 * NANOS


def _is_zone(_instance: object, _attribute: Any, value: str) -> None:
    if value:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is no time zone; write one such as America/New_York") from None


@frozen(kw_only=True)
class NewsBlackoutConfig:
    """Which calendar, and how far its events reach."""

    calendar: Path = field(converter=Path)
    """The file with the events; one that ends in .ics is read as iCalendar, any other as CSV."""

    before: Duration = field(default=30 * MINUTE, validator=ge(0))
    """How long before an event no position is opened any more (nanoseconds)."""

    after: Duration = field(default=30 * MINUTE, validator=ge(0))
    """How long after the end of an event none is opened yet (nanoseconds)."""

    timezone: str = field(default="", validator=_is_zone)
    """The zone of times without one, such as America/New_York; empty: such times are an error."""

    run_out: Literal["refuse", "allow"] = field(default="refuse", validator=in_(("refuse", "allow")))
    """What happens once the last event of the calendar is over: nobody knows whether it is finished or forgotten."""

    refresh: Duration = field(default=10 * NANOS, validator=gt(0))
    """How often it is looked whether the file has changed (nanoseconds)."""
