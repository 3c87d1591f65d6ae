"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import TriggerRecord
from ml4t_live_trigger_price_move.config import PriceMoveConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_triggers() -> list[TriggerRecord]:
    """Return the one trigger."""
    return [
        TriggerRecord(
            name="trigger-price-move",
            config=PriceMoveConfig,
            factory="ml4t_live_trigger_price_move.trigger:PriceMove",
            rig="ml4t_live_trigger_price_move.rig:rig",
            summary="Fires once when a price has moved far enough from its reference.",
        )
    ]
