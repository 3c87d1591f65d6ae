"""What the check is tried with by the conformance kit."""

from __future__ import annotations

from ml4t.live.testing import RiskCheckRig
from risk_sector_cap.check import SectorCap
from risk_sector_cap.config import SectorCapConfig

CONFIG = SectorCapConfig(sectors={"AAPL": "technology", "MSFT": "technology"}, max_weight=0.25)


def rig() -> RiskCheckRig:
    """Return a sector of two symbols."""
    return RiskCheckRig(check=lambda: SectorCap(CONFIG), symbols=("AAPL", "MSFT"))
