"""What every broker adapter is put through, a module a subject."""

from __future__ import annotations

from ml4t.live.testing.conformance.broker import (
    books,
    connections,
    discretion,
    doubts,
    earlier,
    executions,
    linked,
    orders,
    tidiness,
    together,
)
from ml4t.live.testing.conformance.scenario import Scenario, scenarios_of
from ml4t.live.testing.rig import BrokerRig

BROKER_SCENARIOS: tuple[Scenario[BrokerRig], ...] = tuple(
    scenarios_of(orders, linked, executions, earlier, doubts, books, connections, together, discretion, tidiness)
)
