"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord
from ml4t_live_trigger_manual.config import ManualConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_triggers() -> list[TriggerRecord]:
    """Return the one trigger."""
    return [
        TriggerRecord(
            name="trigger-manual",
            config=ManualConfig,
            factory="ml4t_live_trigger_manual.trigger:Manual",
            rig="ml4t_live_trigger_manual.rig:rig",
            summary="Fires when a person, a program or a file says so.",
        )
    ]
