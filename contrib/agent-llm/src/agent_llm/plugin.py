"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from agent_llm.config import LlmConfig
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import ForecasterRecord

ml4t_live_contract = 3


@hookimpl
def ml4t_live_forecasters() -> list[ForecasterRecord]:
    """Return the one agent."""
    return [
        ForecasterRecord(
            name="llm",
            config=LlmConfig,
            factory="agent_llm.agent:LlmAgent",
            rig="agent_llm.rig:rig",
            summary="Asks a language model over HTTP for directions, with bounds on time, length and cost.",
            needs="a server that answers chat completions, and a key of it if it wants one",
        )
    ]
