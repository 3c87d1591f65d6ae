"""What the agents are tried with by the conformance kit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml4t.live.contracts import PastScore
from ml4t.live.model import Forecast
from ml4t.live.testing import ForecasterRig
from ml4t_live_agents.config import MINUTE, ExecutionAgentConfig, ModelBuilderConfig, PerformanceCriticConfig
from ml4t_live_agents.execution_agent import ExecutionAgent
from ml4t_live_agents.model_builder import ModelBuilder
from ml4t_live_agents.performance_critic import PerformanceCritic

SYMBOLS = ("AAA", "BBB")
HOUR = 60 * MINUTE
WEIGHTS = {"good": 1.0, "bad": 1.0}


def model_builder() -> ForecasterRig:
    """Return a market in which it is asked to fit again every second time."""
    config = ModelBuilderConfig(refit_on=("refit",), says="both")
    return ForecasterRig(forecaster=lambda: ModelBuilder(config), symbols=SYMBOLS, triggers=("ask", "refit"))


def performance_critic() -> ForecasterRig:
    """Return the scores of a good and of a bad model."""
    return ForecasterRig(forecaster=lambda: PerformanceCritic(PerformanceCriticConfig()), symbols=SYMBOLS, known=_scores)


def execution_agent() -> ForecasterRig:
    """Return forecasts that are worth following: up by two percent, and down by it."""
    config = ExecutionAgentConfig(max_value=10_000.0, allow_short=True, rest=30 * MINUTE)
    return ForecasterRig(forecaster=lambda: ExecutionAgent(config), symbols=SYMBOLS, known=_forecasts)


def _scores(at: int) -> Mapping[str, Any]:
    evidence = float(at // MINUTE % 60)
    scores = {
        ("good", HOUR): PastScore("good", HOUR, 600, 500, skill=0.1, e_value=30.0 + evidence, e_against=0.01, effective=400.0),
        ("bad", HOUR): PastScore("bad", HOUR, 600, 500, skill=-0.1, e_value=0.01, e_against=10.0 + evidence, effective=400.0),
    }
    return {"scores": scores, "weights": WEIGHTS}


def _forecasts(at: int) -> Mapping[str, Any]:
    said = {
        symbol: [Forecast(symbol, HOUR, price, model="good", issued_at=at - MINUTE, reference_price=100.0)]
        for symbol, price in zip(SYMBOLS, (102.0, 98.0), strict=True)
    }
    return {"forecasts": said, "weights": WEIGHTS}
