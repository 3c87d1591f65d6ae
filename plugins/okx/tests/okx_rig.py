"""What the tests drive the adapter with: rigs for the conformance kit, sinks that remember, and orders."""

from __future__ import annotations

from ml4t_live_okx.simulator import OKXSimulator, OKXSimulatorConfig


def still(**options: object) -> OKXSimulator:
    """Return a simulator whose prices move only when a test moves them."""
    return OKXSimulator(OKXSimulatorConfig(still=True, **options))
