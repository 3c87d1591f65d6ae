"""The kinds of schedule, one module each. A new kind is a new module here and a line in `schedule_of`."""

from __future__ import annotations

from typing import Protocol
from zoneinfo import ZoneInfo

from ml4t.live.sessions import calendar_of
from ml4t_live_trigger_time.config import WEEKDAYS, TimeTriggerConfig
from ml4t_live_trigger_time.schedules.at import AtSchedule
from ml4t_live_trigger_time.schedules.cron import CronSchedule
from ml4t_live_trigger_time.schedules.every import EverySchedule
from ml4t_live_trigger_time.schedules.only import OnlyDays, OnlyHours
from ml4t_live_trigger_time.schedules.session import SessionSchedule


class Schedule(Protocol):
    """A set of moments, known beforehand."""

    def next_time(self, after: int) -> int | None:
        """Return the first moment later than `after` (nanoseconds UTC), None when there is none."""
        ...


def schedule_of(config: TimeTriggerConfig) -> Schedule:
    """Return the schedule that the options describe."""
    if config.session:
        return SessionSchedule(config.session, calendar_of(config.calendar))
    schedule, zone = _plain(config), ZoneInfo(config.timezone)
    if config.only == "hours":
        return OnlyHours(schedule, calendar_of(config.calendar))
    return OnlyDays(schedule, calendar_of(config.calendar), zone) if config.only == "days" else schedule


def _plain(config: TimeTriggerConfig) -> Schedule:
    if config.every is not None:
        return EverySchedule(config.every, config.offset)
    zone = ZoneInfo(config.timezone)
    if config.cron is not None:
        return CronSchedule(config.cron, zone)
    return AtSchedule(config.at, zone, [WEEKDAYS.index(name) for name in config.weekdays])
