"""The standard checks, one small class each, and the order in which they are asked."""

from __future__ import annotations

from ml4t.live.clock import Clock
from ml4t.live.contracts.risk import RiskCheck
from ml4t.live.risk.checks.assets import AssetLists
from ml4t.live.risk.checks.collar import MarketCollar, PriceDrift
from ml4t.live.risk.checks.data import MaxDataStaleness, MaxPriceDeviation, MaxSpread
from ml4t.live.risk.checks.day import LosingStreak, MaxDailyTurnover, MaxStrategyLoss, MaxSymbolLoss
from ml4t.live.risk.checks.decision import MaxOpenOrdersPerSymbol, MaxOrdersPerDecision
from ml4t.live.risk.checks.emergency import KillSwitch, VenueReady
from ml4t.live.risk.checks.exposure import (
    BuyingPower,
    MaxGroupExposure,
    MaxLeverage,
    MaxLongValue,
    MaxNetExposure,
    MaxShortValue,
    MaxStrategyValue,
)
from ml4t.live.risk.checks.instrument import OrderGrid
from ml4t.live.risk.checks.kinds import OrderKinds
from ml4t.live.risk.checks.liquidity import MaxVolumeShare
from ml4t.live.risk.checks.loss import MaxDailyLoss, MaxDrawdown
from ml4t.live.risk.checks.matching import SelfMatch
from ml4t.live.risk.checks.order import MaxOrderShares, MaxOrderValue
from ml4t.live.risk.checks.position import MaxPositions, MaxPositionShares, MaxPositionValue, MaxTotalExposure
from ml4t.live.risk.checks.ramp import RampUp
from ml4t.live.risk.checks.rate import MaxFillsPerMinute, MaxMessages, MaxOrderToFillRatio
from ml4t.live.risk.checks.repetition import DuplicateOrder, MaxOpenOrders, MaxOrdersPerMinute
from ml4t.live.risk.checks.sanity import ClockSkew, LockedBook, MaxJump, MaxSilence
from ml4t.live.risk.checks.session import SessionHours
from ml4t.live.risk.checks.shorts import ShortSales
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.risk.loss import LossWatch
from ml4t.live.risk.switch import Connection, Switch

__all__ = [
    "AssetLists",
    "BuyingPower",
    "ClockSkew",
    "DuplicateOrder",
    "KillSwitch",
    "LockedBook",
    "LosingStreak",
    "MarketCollar",
    "MaxDailyLoss",
    "MaxDailyTurnover",
    "MaxDataStaleness",
    "MaxDrawdown",
    "MaxFillsPerMinute",
    "MaxGroupExposure",
    "MaxJump",
    "MaxLeverage",
    "MaxLongValue",
    "MaxMessages",
    "MaxNetExposure",
    "MaxOpenOrders",
    "MaxOpenOrdersPerSymbol",
    "MaxOrderShares",
    "MaxOrderToFillRatio",
    "MaxOrderValue",
    "MaxOrdersPerDecision",
    "MaxOrdersPerMinute",
    "MaxPositionShares",
    "MaxPositionValue",
    "MaxPositions",
    "MaxPriceDeviation",
    "MaxShortValue",
    "MaxSilence",
    "MaxSpread",
    "MaxStrategyLoss",
    "MaxStrategyValue",
    "MaxSymbolLoss",
    "MaxTotalExposure",
    "MaxVolumeShare",
    "OrderGrid",
    "OrderKinds",
    "PriceDrift",
    "RampUp",
    "SelfMatch",
    "SessionHours",
    "ShortSales",
    "VenueReady",
    "standard_checks",
]


def standard_checks(
    limits: LiveRiskConfig, switch: Switch, connection: Connection, losses: LossWatch, clock: Clock
) -> list[tuple[str, RiskCheck]]:
    """Return the checks that `limits` switches on, cheapest and most final first."""
    checks: list[tuple[str, RiskCheck | None]] = [
        ("kill_switch", KillSwitch(switch)),
        ("venue_ready", VenueReady(connection)),
        ("assets", AssetLists(limits.allowed_assets, limits.blocked_assets)),
        ("session_hours", SessionHours(losses.calendar) if limits.trade_only_in_session else None),
        ("max_data_staleness", _staleness(limits.max_data_staleness_seconds, losses)),
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
    checks += _further_checks(limits, clock)
    return [(name, check) for name, check in checks if check is not None]


def _staleness(seconds: float | None, losses: LossWatch) -> RiskCheck | None:
    return None if seconds is None else MaxDataStaleness(seconds, losses.calendar)


def _make(check: type, limit: float | None) -> RiskCheck | None:
    made: RiskCheck | None = None if limit is None else check(limit)
    return made


def _further_checks(limits: LiveRiskConfig, clock: Clock) -> list[tuple[str, RiskCheck | None]]:
    """Return the checks that are off unless somebody switches them on."""
    streak, ramp, groups = limits.max_losing_streak, limits.ramp_up_seconds, limits.max_group_exposure
    grid = (limits.price_tick, limits.lot_size, limits.min_order_shares, limits.min_order_value)
    kinds = (limits.allowed_order_types, limits.allowed_times_in_force)
    skew = limits.max_clock_skew_seconds
    return [
        ("order_kinds", OrderKinds(*kinds) if any(kinds) else None),
        ("short_sales", _short_sales(limits)),
        ("clock_skew", None if skew is None else ClockSkew(skew, clock)),
        ("max_silence", _make(MaxSilence, limits.max_silence_seconds)),
        ("locked_book", LockedBook() if limits.refuse_locked_book else None),
        ("max_jump", _make(MaxJump, limits.max_jump_sigmas)),
        ("max_messages_per_second", _messages("max_messages_per_second", 1, limits)),
        ("max_messages_per_minute", _messages("max_messages_per_minute", 60, limits)),
        ("max_messages_per_hour", _messages("max_messages_per_hour", 3_600, limits)),
        ("max_fills_per_minute", _make(MaxFillsPerMinute, limits.max_fills_per_minute)),
        ("max_order_to_fill_ratio", _make(MaxOrderToFillRatio, limits.max_order_to_fill_ratio)),
        ("max_orders_per_decision", _make(MaxOrdersPerDecision, limits.max_orders_per_decision)),
        ("max_open_orders_per_symbol", _make(MaxOpenOrdersPerSymbol, limits.max_open_orders_per_symbol)),
        ("order_grid", OrderGrid(*grid) if any(grid) else None),
        ("max_volume_share", _make(MaxVolumeShare, limits.max_volume_pct)),
        ("market_collar", _make(MarketCollar, limits.max_market_deviation_pct)),
        ("price_drift", _make(PriceDrift, limits.max_price_drift_pct)),
        ("self_match", SelfMatch() if limits.prevent_self_match else None),
        ("ramp_up", None if ramp is None else RampUp(ramp, limits.ramp_up_order_value, limits.ramp_up_orders)),
        ("max_daily_turnover", _make(MaxDailyTurnover, limits.max_daily_turnover)),
        ("max_symbol_loss", _make(MaxSymbolLoss, limits.max_symbol_loss)),
        ("max_strategy_loss", _make(MaxStrategyLoss, limits.max_strategy_loss)),
        ("losing_streak", None if streak is None else LosingStreak(streak, limits.losing_streak_cooldown_seconds)),
        ("buying_power", BuyingPower() if limits.check_buying_power else None),
        ("max_leverage", _make(MaxLeverage, limits.max_leverage)),
        ("max_long_value", _make(MaxLongValue, limits.max_long_value)),
        ("max_short_value", _make(MaxShortValue, limits.max_short_value)),
        ("max_net_exposure", _make(MaxNetExposure, limits.max_net_exposure)),
        ("max_strategy_value", _make(MaxStrategyValue, limits.max_strategy_value)),
        ("max_group_exposure", None if groups is None else MaxGroupExposure(groups, limits.asset_groups)),
    ]


def _short_sales(limits: LiveRiskConfig) -> RiskCheck | None:
    if limits.allow_shorts and not limits.shortable_assets:
        return None
    return ShortSales(limits.allow_shorts, limits.shortable_assets)


def _messages(name: str, seconds: int, limits: LiveRiskConfig) -> RiskCheck | None:
    limit = getattr(limits, name)
    return None if limit is None else MaxMessages(limit, seconds, name)
