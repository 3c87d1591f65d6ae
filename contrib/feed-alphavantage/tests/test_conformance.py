"""The conformance kit, scenario by scenario."""

from __future__ import annotations

from alphavantage_rig import alphavantage_rig

from ml4t.live.testing.suites import FeedSuite


class TestAlphaVantage(FeedSuite):
    maker = staticmethod(alphavantage_rig)
