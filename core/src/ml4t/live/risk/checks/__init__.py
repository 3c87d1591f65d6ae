"""The standard checks, one small class each, and the order in which they are asked."""

from __future__ import annotations

from ml4t.live.contracts.risk import RiskCheck
from ml4t.live.risk.checks.assets import AssetLists
from ml4t.live.risk.checks.data import MaxDataStaleness, MaxPriceDeviation, MaxSpread
from ml4t.live.risk.checks.emergency import KillSwitch, VenueReady
from ml4t.live.risk.checks.loss import MaxDailyLoss, MaxDrawdown
from ml4t.live.risk.checks.order import MaxOrderShares, MaxOrderValue
from ml4t.live.risk.checks.position import MaxPositions, MaxPositionShares, MaxPositionValue, MaxTotalExposure
from ml4t.live.risk.checks.repetition import DuplicateOrder, MaxOpenOrders, MaxOrdersPerMinute
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.risk.loss import LossWatch
from ml4t.live.risk.switch import Connection, Switch

__all__ = [
    "AssetLists",
    "DuplicateOrder",
    "KillSwitch",
    "MaxDailyLoss",
    "MaxDataStaleness",
    "MaxDrawdown",
    "MaxOpenOrders",
    "MaxOrderShares",
    "MaxOrderValue",
    "MaxOrdersPerMinute",
    "MaxPositionShares",
    "MaxPositionValue",
    "MaxPositions",
    "MaxPriceDeviation",
    "MaxSpread",
    "MaxTotalExposure",
    "VenueReady",
    "standard_checks",
]


def standard_checks(
    limits: LiveRiskConfig, switch: Switch, connection: Connection, losses: LossWatch
) -> list[tuple[str, RiskCheck]]:
    """Return the checks that `limits` switches on, cheapest and most final first."""
    checks: list[tuple[str, RiskCheck | None]] = [
        ("kill_switch", KillSwitch(switch)),
        ("venue_ready", VenueReady(connection)),
        ("assets", AssetLists(limits.allowed_assets, limits.blocked_assets)),
        ("max_data_staleness", _make(MaxDataStaleness, limits.max_data_staleness_seconds)),
        ("duplicate_order", _make(DuplicateOrder, limits.dedup_window_seconds)),
        ("max_orders_per_minute", _make(MaxOrdersPerMinute, limits.max_orders_per_minute)),
        ("max_open_orders", _make(MaxOpenOrders, limits.max_open_orders)),
        ("max_order_shares", _make(MaxOrderShares, limits.max_order_shares)),
        ("max_order_value", _make(MaxOrderValue, limits.max_order_value)),
        ("max_price_deviation", _make(MaxPriceDeviation, limits.max_price_deviation_pct)),
        ("max_spread", _make(MaxSpread, limits.max_spread_pct)),
        ("max_positions", _make(MaxPositions, limits.max_positions)),
        ("max_position_shares", _make(MaxPositionShares, limits.max_position_shares)),
        ("max_position_value", _make(MaxPositionValue, limits.max_position_value)),
        ("max_total_exposure", _make(MaxTotalExposure, limits.max_total_exposure)),
        ("max_daily_loss", None if limits.max_daily_loss is None else MaxDailyLoss(limits.max_daily_loss, losses)),
        ("max_drawdown", None if limits.max_drawdown_pct is None else MaxDrawdown(limits.max_drawdown_pct, losses)),
    ]
    return [(name, check) for name, check in checks if check is not None]


def _make(check: type, limit: float | None) -> RiskCheck | None:
    made: RiskCheck | None = None if limit is None else check(limit)
    return made
