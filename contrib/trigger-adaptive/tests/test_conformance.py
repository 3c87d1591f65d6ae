"""The trigger and its package, put through the conformance kit."""

from __future__ import annotations

from ml4t.live.testing.suites import PluginSuite, TriggerSuite
from trigger_adaptive.rig import rig


class TestAdaptive(TriggerSuite):
    maker = staticmethod(rig)


class TestPackage(PluginSuite):
    plugin = "adaptive"
