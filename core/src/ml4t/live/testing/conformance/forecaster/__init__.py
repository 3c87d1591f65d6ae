"""What every forecaster is put through, a module a subject."""

from __future__ import annotations

from ml4t.live.testing.conformance.forecaster import conduct, saying
from ml4t.live.testing.conformance.forecaster.rig import ForecasterRig
from ml4t.live.testing.conformance.scenario import Scenario, scenarios_of

__all__ = ["FORECASTER_SCENARIOS", "ForecasterRig"]

FORECASTER_SCENARIOS: tuple[Scenario[ForecasterRig], ...] = tuple(scenarios_of(saying, conduct))
