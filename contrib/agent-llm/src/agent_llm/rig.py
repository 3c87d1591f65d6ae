"""What the agent is tried with by the conformance kit: a stub of its server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agent_llm.agent import LlmAgent
from agent_llm.config import LlmConfig
from agent_llm.stub import KEY, Stub
from ml4t.live.config import Secret
from ml4t.live.testing import ForecasterRig


@asynccontextmanager
async def rig() -> AsyncIterator[ForecasterRig]:
    """Yield an agent that may ask as often as it is asked."""
    with Stub() as server:
        config = LlmConfig(
            url=f"{server.url}/v1/chat/completions",
            model="stub-1",
            api_key=Secret.of(KEY),
            budget_per_day=1_000.0,
            price_in=1.0,
            price_out=4.0,
            requests_per_day=100_000,
            on_recorded=True,
        )
        yield ForecasterRig(forecaster=lambda: LlmAgent(config))
