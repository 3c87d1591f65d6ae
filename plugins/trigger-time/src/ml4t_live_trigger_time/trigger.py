"""The time trigger."""

from __future__ import annotations

from ml4t_live_trigger_time.config import TimeTriggerConfig
from ml4t_live_trigger_time.schedules import schedule_of


class TimeTrigger:
    """Fires at the moments of one schedule. It holds no state and reads no clock: the engine asks and waits."""

    def __init__(self, config: TimeTriggerConfig) -> None:
        self._schedule = schedule_of(config)

    def next_time(self, after: int) -> int | None:
        """Return the first moment later than `after` (nanoseconds UTC) at which to fire, None for never again."""
        return self._schedule.next_time(after)
