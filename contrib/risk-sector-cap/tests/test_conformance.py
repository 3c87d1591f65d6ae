"""The check, put through the conformance kit."""

from __future__ import annotations

from ml4t.live.testing import RiskCheckRig
from ml4t.live.testing.suites import RiskCheckSuite
from risk_sector_cap.check import SectorCap
from risk_sector_cap.config import SectorCapConfig

CONFIG = SectorCapConfig(sectors={"AAPL": "technology", "MSFT": "technology"}, max_weight=0.25)


class TestSectorCap(RiskCheckSuite):
    @staticmethod
    def maker() -> RiskCheckRig:
        return RiskCheckRig(check=lambda: SectorCap(CONFIG), symbols=("AAPL", "MSFT"))
