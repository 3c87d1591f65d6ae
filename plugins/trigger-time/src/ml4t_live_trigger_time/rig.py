"""What the trigger is tried with by the conformance kit."""

from __future__ import annotations

from ml4t.live.testing import TriggerRig
from ml4t_live_trigger_time.config import TimeTriggerConfig
from ml4t_live_trigger_time.trigger import TimeTrigger


def rig() -> TriggerRig:
    """Return a time of day on clocks that are changed in March."""
    config = TimeTriggerConfig(at=("02:30", "09:30"), weekdays=("mon", "wed", "sun"), timezone="America/New_York")
    return TriggerRig(trigger=lambda: TimeTrigger(config))
