"""The package, put through the conformance kit. The feed connects to nothing, so that there is no line to break."""

from __future__ import annotations

from ml4t.live.testing.suites import PluginSuite


class TestPackage(PluginSuite):
    plugin = "random-walk"
