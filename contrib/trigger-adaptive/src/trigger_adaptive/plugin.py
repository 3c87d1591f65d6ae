"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord
from trigger_adaptive.config import AdaptiveConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_triggers() -> list[TriggerRecord]:
    """Return the one trigger."""
    return [
        TriggerRecord(
            name="adaptive",
            config=AdaptiveConfig,
            factory="trigger_adaptive.trigger:Adaptive",
            rig="trigger_adaptive.rig:rig",
            summary="Fires on the rarest moves, as often as it is told, whatever the market is like: its threshold learns.",
        )
    ]
