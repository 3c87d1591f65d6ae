"""Which kinds of order may be sent (row 36 of the table of controls)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, Verdict, refuse


class OrderKinds:
    """Refuses order types and times in force that are not listed (row 36 of the table of controls); empty allows all."""

    def __init__(self, order_types: AbstractSet[str], times_in_force: AbstractSet[str]) -> None:
        self._order_types = frozenset(order_types)
        self._times_in_force = frozenset(times_in_force)

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse what the lists rule out."""
        if self._order_types and order.order_type not in self._order_types:
            return refuse("order_type_not_allowed", f"{order.order_type} is not in allowed_order_types")
        if self._times_in_force and order.time_in_force not in self._times_in_force:
            return refuse("time_in_force_not_allowed", f"{order.time_in_force} is not in allowed_times_in_force")
        return ALLOW
