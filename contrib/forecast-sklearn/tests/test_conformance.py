"""The forecaster and its package, put through the conformance kit."""

from __future__ import annotations

from forecast_sklearn.rig import rig
from ml4t.live.testing.suites import ForecasterSuite, PluginSuite


class TestSklearn(ForecasterSuite):
    maker = staticmethod(rig)


class TestPackage(PluginSuite):
    plugin = "sklearn"
