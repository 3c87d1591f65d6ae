"""The conformance kit, scenario by scenario."""

from __future__ import annotations

from yahoo_rig import yahoo_rig

from ml4t.live.testing.suites import FeedSuite


class TestYahoo(FeedSuite):
    maker = staticmethod(yahoo_rig)
