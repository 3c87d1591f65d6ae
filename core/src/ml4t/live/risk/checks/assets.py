"""Which symbols may be traded at all (row 33 of the table of controls)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, Verdict, refuse


class AssetLists:
    """Refuses symbols that are blocked, and those not allowed when there is an allow list; blocked wins."""

    def __init__(self, allowed: AbstractSet[str], blocked: AbstractSet[str]) -> None:
        self._allowed = frozenset(allowed)
        self._blocked = frozenset(blocked)

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse what the lists rule out."""
        if order.symbol in self._blocked:
            return refuse("blocked_asset", f"{order.symbol} is in blocked_assets")
        if self._allowed and order.symbol not in self._allowed:
            return refuse("asset_not_allowed", f"{order.symbol} is not in allowed_assets")
        return ALLOW
