"""How much of a run the engine of the backtest keeps: all of a backtest, and the latest of a run without an end."""

from __future__ import annotations

from typing import Any

from ml4t.backtest import Engine
from ml4t.backtest.types import OrderStatus

SLACK = 1_000
"""How much more than wanted may gather before it is cut, so that cutting costs next to nothing."""


class History:
    """Cuts the lists that the engine only appends to, down to the `keep` latest entries.

    The journal of the run has everything. Statistics per asset are running sums of the backtest's own, and stay whole.
    """

    def __init__(self, engine: Engine, keep: int) -> None:
        self._engine = engine
        self._keep = keep

    def trim(self) -> int:
        """Cut what is too long; return how many executions were dropped."""
        engine, broker = self._engine, self._engine.broker
        for entries in (broker.trades, engine.equity_curve, engine.portfolio_state, engine.lifecycle_dispatcher.invocations):
            self._cut(entries)
        if len(broker.orders) > self._keep + SLACK:
            still_open = [order for order in broker.orders[: -self._keep] if order.status is OrderStatus.PENDING]
            broker.orders[: -self._keep] = still_open
        return self._cut(broker.fills)

    def _cut(self, entries: list[Any]) -> int:
        extra = len(entries) - self._keep
        if extra <= SLACK:
            return 0
        del entries[:extra]
        return extra
