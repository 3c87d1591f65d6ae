"""The check and its package, put through the conformance kit."""

from __future__ import annotations

from ml4t.live.testing.suites import PluginSuite, RiskCheckSuite
from risk_news_blackout.rig import rig


class TestNewsBlackout(RiskCheckSuite):
    maker = staticmethod(rig)


class TestPackage(PluginSuite):
    plugin = "news-blackout"
