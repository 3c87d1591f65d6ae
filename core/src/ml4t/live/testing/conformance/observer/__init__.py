"""What every observer is put through."""

from __future__ import annotations

from ml4t.live.testing.conformance.observer import conduct
from ml4t.live.testing.conformance.observer.rig import ObserverRig
from ml4t.live.testing.conformance.scenario import Scenario, scenarios_of

__all__ = ["OBSERVER_SCENARIOS", "ObserverRig"]

OBSERVER_SCENARIOS: tuple[Scenario[ObserverRig], ...] = tuple(scenarios_of(conduct))
