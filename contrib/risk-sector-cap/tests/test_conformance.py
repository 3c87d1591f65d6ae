"""The check and its package, put through the conformance kit."""

from __future__ import annotations

from ml4t.live.testing.suites import PluginSuite, RiskCheckSuite
from risk_sector_cap.rig import rig


class TestSectorCap(RiskCheckSuite):
    maker = staticmethod(rig)


class TestPackage(PluginSuite):
    plugin = "sector-cap"
