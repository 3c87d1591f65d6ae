"""The feed and its package, put through the conformance kit."""

from __future__ import annotations

from feed_yfinance.rig import rig
from ml4t.live.testing.suites import PluginSuite, PolledFeedSuite


class TestYahoo(PolledFeedSuite):
    maker = staticmethod(rig)


class TestPackage(PluginSuite):
    plugin = "yfinance"
