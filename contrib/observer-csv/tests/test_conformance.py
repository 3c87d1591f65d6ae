"""The observer and its package, put through the conformance kit."""

from __future__ import annotations

from ml4t.live.testing.suites import ObserverSuite, PluginSuite
from observer_csv.rig import rig


class TestCsv(ObserverSuite):
    maker = staticmethod(rig)


class TestPackage(PluginSuite):
    plugin = "csv"
