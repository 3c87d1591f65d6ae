"""The light module: found by its entry point, and fit to be published."""

from __future__ import annotations

from ml4t.live.testing.suites import PluginSuite


class TestPackaging(PluginSuite):
    plugin = "template"
