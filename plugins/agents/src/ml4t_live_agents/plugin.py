"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import ForecasterRecord
from ml4t_live_agents.config import ExecutionAgentConfig, ModelBuilderConfig, PerformanceCriticConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_forecasters() -> list[ForecasterRecord]:
    """Return the agents."""
    return [
        ForecasterRecord(
            name="model-builder",
            config=ModelBuilderConfig,
            factory="ml4t_live_agents.model_builder:ModelBuilder",
            rig="ml4t_live_agents.rigs:model_builder",
            summary="Refits a regression of returns on its triggers, and forecasts with the latest fit.",
        ),
        ForecasterRecord(
            name="performance-critic",
            config=PerformanceCriticConfig,
            factory="ml4t_live_agents.performance_critic:PerformanceCritic",
            rig="ml4t_live_agents.rigs:performance_critic",
            summary="Reads the scores of the others; weighs, disables and re-enables them.",
        ),
        ForecasterRecord(
            name="execution-agent",
            config=ExecutionAgentConfig,
            factory="ml4t_live_agents.execution_agent:ExecutionAgent",
            rig="ml4t_live_agents.rigs:execution_agent",
            summary="Trades what the weighted forecasts of the others expect, when it is more than it costs.",
        ),
    ]
