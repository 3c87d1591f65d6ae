"""The kinds of schedule, one module each. A new kind is a new module here and a line in `schedule_of`."""

from __future__ import annotations

from typing import Protocol
from zoneinfo import ZoneInfo

from ml4t_live_trigger_time.config import WEEKDAYS, TimeTriggerConfig
from ml4t_live_trigger_time.schedules.at import AtSchedule
from ml4t_live_trigger_time.schedules.cron import CronSchedule
from ml4t_live_trigger_time.schedules.every import EverySchedule


class Schedule(Protocol):
    """A set of moments, known beforehand."""

    def next_time(self, after: int) -> int | None:
        """Return the first moment later than `after` (nanoseconds UTC), None when there is none."""
        ...


def schedule_of(config: TimeTriggerConfig) -> Schedule:
    """Return the schedule that the options describe."""
    if config.every is not None:
        return EverySchedule(config.every, config.offset)
    zone = ZoneInfo(config.timezone)
    if config.cron is not None:
        return CronSchedule(config.cron, zone)
    return AtSchedule(config.at, zone, [WEEKDAYS.index(name) for name in config.weekdays])
