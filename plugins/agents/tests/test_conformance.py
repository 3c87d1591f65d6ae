"""The agents, put through the conformance kit."""

from __future__ import annotations

from ml4t.live.testing.suites import ForecasterSuite
from ml4t_live_agents import rigs


class TestModelBuilder(ForecasterSuite):
    maker = staticmethod(rigs.model_builder)


class TestPerformanceCritic(ForecasterSuite):
    maker = staticmethod(rigs.performance_critic)


class TestExecutionAgent(ForecasterSuite):
    maker = staticmethod(rigs.execution_agent)
