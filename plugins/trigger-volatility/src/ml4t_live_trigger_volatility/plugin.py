"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord
from ml4t_live_trigger_volatility.config import VolatilityConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_triggers() -> list[TriggerRecord]:
    """Return the one trigger."""
    return [
        TriggerRecord(
            name="trigger-volatility",
            config=VolatilityConfig,
            factory="ml4t_live_trigger_volatility.trigger:Volatility",
            rig="ml4t_live_trigger_volatility.rig:rig",
            summary="Fires once when volatility leaves its usual range, by a threshold or a z-score.",
        )
    ]
