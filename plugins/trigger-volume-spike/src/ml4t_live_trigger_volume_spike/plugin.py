"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord
from ml4t_live_trigger_volume_spike.config import VolumeSpikeConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_triggers() -> list[TriggerRecord]:
    """Return the one trigger."""
    return [
        TriggerRecord(
            name="trigger-volume-spike",
            config=VolumeSpikeConfig,
            factory="ml4t_live_trigger_volume_spike.trigger:VolumeSpike",
            rig="ml4t_live_trigger_volume_spike.rig:rig",
            summary="Fires once when far more is traded than usual at this time of day, or of late.",
        )
    ]
