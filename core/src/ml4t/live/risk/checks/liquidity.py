"""Size against what trades (row 6 of the table of controls)."""

from __future__ import annotations

from itertools import islice

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import Order, Verdict, refuse
from ml4t.live.risk.checks.bounds import at_most
from ml4t.live.risk.checks.collar import OBSERVATIONS


class MaxVolumeShare:
    """Caps an order at a share of the mean volume of the last twenty observations (row 6 of the table of controls).

    Observations are bars, or prints on a feed without bars. A feed that gives no volume refuses every order.
    """

    exempts_reducing = True

    def __init__(self, fraction: float) -> None:
        self._fraction = fraction

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order that is large for its market."""
        state = view.market.get(order.symbol)
        sizes = list(islice(reversed(state.volumes), OBSERVATIONS)) if state is not None else []
        total = sum(sizes)
        if not total > 0:
            return refuse("no_volume", f"no volume is known for {order.symbol}; use a feed with volumes or drop max_volume_pct")
        share = order.quantity * len(sizes) / total
        return at_most("max_volume_share", "the order's share of the mean volume is", share, self._fraction)
