"""The plugin module of the standard checks that stand on one number, for naming one in another place of the chain."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import gt

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import RiskCheckRecord

_SUMMARIES = {
    "max_order_value": "Caps the value of one order.",
    "max_order_shares": "Caps the quantity of one order.",
    "max_position_value": "Caps the value of one position, open orders included.",
    "max_position_shares": "Caps the quantity of one position, open orders included.",
    "max_total_exposure": "Caps the sum of all positions, open orders included.",
    "max_price_deviation_pct": "Refuses prices far from the last one.",
    "max_spread_pct": "Refuses orders while the spread is wide.",
    "max_data_staleness_seconds": "Refuses orders on old data.",
    "dedup_window_seconds": "Refuses the same order twice within seconds.",
}


@frozen(kw_only=True)
class LimitConfig:
    """One number."""

    limit: float = field(validator=gt(0))
    """The limit, in the unit of the `[risk]` key of the same name."""


@hookimpl
def ml4t_live_risk_checks() -> list[RiskCheckRecord]:
    """Return one record for each check that stands on one number."""
    return [
        RiskCheckRecord(name=name, config=LimitConfig, factory=f"ml4t.live.standard.limits:{name}", summary=summary)
        for name, summary in _SUMMARIES.items()
    ]
