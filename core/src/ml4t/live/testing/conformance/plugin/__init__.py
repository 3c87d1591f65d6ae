"""What every plugin is put through, a module a subject."""

from __future__ import annotations

from ml4t.live.testing.conformance.plugin import listing, packaging, records
from ml4t.live.testing.conformance.plugin.rig import PluginRig
from ml4t.live.testing.conformance.scenario import Scenario, scenarios_of

__all__ = ["PLUGIN_SCENARIOS", "PluginRig"]

PLUGIN_SCENARIOS: tuple[Scenario[PluginRig], ...] = tuple(scenarios_of(listing, packaging, records))
