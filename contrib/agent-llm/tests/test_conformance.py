"""The agent and its package, put through the conformance kit."""

from __future__ import annotations

from agent_llm.rig import rig
from ml4t.live.testing.suites import ForecasterSuite, PluginSuite


class TestLlm(ForecasterSuite):
    maker = staticmethod(rig)


class TestPackage(PluginSuite):
    plugin = "llm"
