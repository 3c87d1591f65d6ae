"""What every trigger is put through, a module a subject."""

from __future__ import annotations

from ml4t.live.testing.conformance.scenario import Scenario, scenarios_of
from ml4t.live.testing.conformance.trigger import firing, moments, sameness
from ml4t.live.testing.conformance.trigger.rig import TriggerRig

__all__ = ["TRIGGER_SCENARIOS", "TriggerRig"]

TRIGGER_SCENARIOS: tuple[Scenario[TriggerRig], ...] = tuple(scenarios_of(moments, firing, sameness))
