"""The feed and its package, put through the conformance kit."""

from __future__ import annotations

from feed_alphavantage.rig import rig
from ml4t.live.testing.suites import PluginSuite, PolledFeedSuite


class TestAlphaVantage(PolledFeedSuite):
    maker = staticmethod(rig)


class TestPackage(PluginSuite):
    plugin = "alphavantage"
