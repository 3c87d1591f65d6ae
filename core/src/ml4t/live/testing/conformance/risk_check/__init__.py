"""What every risk check is put through, a module a subject."""

from __future__ import annotations

from ml4t.live.testing.conformance.risk_check import answers, conduct, prices, sessions
from ml4t.live.testing.conformance.risk_check.rig import RiskCheckRig
from ml4t.live.testing.conformance.scenario import Scenario, scenarios_of

__all__ = ["RISK_CHECK_SCENARIOS", "RiskCheckRig"]

RISK_CHECK_SCENARIOS: tuple[Scenario[RiskCheckRig], ...] = tuple(scenarios_of(answers, conduct, prices, sessions))
