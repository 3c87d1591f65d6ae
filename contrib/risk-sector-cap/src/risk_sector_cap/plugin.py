"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import RiskCheckRecord
from risk_sector_cap.config import SectorCapConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_risk_checks() -> list[RiskCheckRecord]:
    """Return the one check."""
    return [
        RiskCheckRecord(
            name="sector-cap",
            config=SectorCapConfig,
            factory="risk_sector_cap.check:SectorCap",
            rig="risk_sector_cap.rig:rig",
            summary="Caps the weight of each sector, open orders counted as filled.",
        )
    ]
