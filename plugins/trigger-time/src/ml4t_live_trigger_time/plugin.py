"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord
from ml4t_live_trigger_time.config import TimeTriggerConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_triggers() -> list[TriggerRecord]:
    """Return the one trigger."""
    return [
        TriggerRecord(
            name="trigger-time",
            config=TimeTriggerConfig,
            factory="ml4t_live_trigger_time.trigger:TimeTrigger",
            rig="ml4t_live_trigger_time.rig:rig",
            summary="Fires every so often, at times of day, by a cron expression, or around a market's open and close.",
        )
    ]
