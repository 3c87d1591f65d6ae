"""Configurations of a backtest: every profile, and variations of every field that decides how orders trade."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from ml4t.backtest import BacktestConfig
from ml4t.backtest.config import (
    CommissionType,
    DataFrequency,
    EntryOrderPriority,
    ExecutionPrice,
    FillOrdering,
    InitialHwmSource,
    LateAssetPolicy,
    LockNotionalUpdateMode,
    MissingPricePolicy,
    RebalanceMode,
    ShareRounding,
    ShareType,
    ShortCashPolicy,
    SlippageType,
    SpreadConvention,
    TrailStopTiming,
    WaterMarkSource,
)
from ml4t.backtest.profiles import _PROFILES, list_profiles
from ml4t.backtest.types import ExecutionMode, StopFillMode, StopLevelBasis
from ml4t.specs.market_data import FeedSpec

PROFILES = tuple(sorted({*list_profiles(), *_PROFILES}))
"""Those that `list_profiles` tells of, and the strict ones that it does not."""

_QUOTED = frozenset({ExecutionPrice.VWAP, ExecutionPrice.BID, ExecutionPrice.ASK, ExecutionPrice.QUOTE_SIDE})

_MEMBERS = {
    "execution_mode": ExecutionMode,
    "execution_price": ExecutionPrice,
    "mark_price": ExecutionPrice,
    "fill_ordering": FillOrdering,
    "entry_order_priority": EntryOrderPriority,
    "commission_type": CommissionType,
    "slippage_type": SlippageType,
    "slippage_spread_convention": SpreadConvention,
    "stop_fill_mode": StopFillMode,
    "stop_level_basis": StopLevelBasis,
    "trail_hwm_source": WaterMarkSource,
    "initial_hwm_source": InitialHwmSource,
    "trail_stop_timing": TrailStopTiming,
    "share_type": ShareType,
    "share_rounding": ShareRounding,
    "short_cash_policy": ShortCashPolicy,
    "lock_notional_update_mode": LockNotionalUpdateMode,
    "rebalance_mode": RebalanceMode,
    "missing_price_policy": MissingPricePolicy,
    "late_asset_policy": LateAssetPolicy,
}
_SWITCHES = (
    "allow_short_selling",
    "allow_leverage",
    "trail_include_entry_bar_extremes",
    "settlement_reduces_buying_power",
    "reject_on_insufficient_cash",
    "skip_cash_validation",
    "partial_fills_allowed",
    "next_bar_submission_precheck",
    "next_bar_simple_cash_check",
    "buying_power_reservation",
    "next_bar_queue_shadow_validation",
    "immediate_fill",
    "retain_intent_history",
    "retain_lifecycle_history",
)
_NUMBERS = {
    "commission_rate": (0.001, 0.0, 0.01),
    "commission_per_share": (0.005, 0.1),
    "commission_per_trade": (1.0, 5.0),
    "commission_minimum": (0.0, 1.0),
    "slippage_rate": (0.001, 0.0, 0.05),
    "slippage_fixed": (0.01, 0.5),
    "slippage_spread": (0.02, 0.4),
    "stop_slippage_rate": (0.0, 0.002),
    "initial_cash": (100_000.0, 3_000.0, 100.0, 1e7),
    "cash_buffer_pct": (0.0, 0.1),
    "settlement_delay": (0, 1, 3),
    "initial_margin": (0.5, 0.9),
    "long_maintenance_margin": (0.25, 0.4),
    "short_maintenance_margin": (0.3, 0.45),
    "rebalance_headroom_pct": (1.0, 0.95),
    "late_asset_min_bars": (1, 4),
}


_VALUES: dict[str, tuple[Any, ...]] = {
    "fixed_margin_schedule": (None, {"A0": (2_000.0, 1_500.0), "A1": (100.0, 80.0)}),
    "margin_pct_schedule": (None, {"A2": (0.3, 0.2), "A3": (1.0, 0.5)}),
    "slippage_spread_by_asset": ({}, {"A0": 0.5, "A1": 0.0}),
    "preset_name": (None, "of my own"),
    "metadata": ({}, {"note": 1}),
    "_explicit_timezone": (True, False),
    "_explicit_data_frequency": (True, False),
}
CLOCKED: tuple[dict[str, Any], ...] = (
    {},
    {"calendar": "NYSE"},
    {"calendar": "NYSE", "enforce_sessions": True},
    {"calendar": "NYSE", "enforce_sessions": True, "data_frequency": DataFrequency.HOURLY, "timezone": "America/New_York"},
    {"calendar": "CME_Equity", "data_frequency": DataFrequency.HOURLY, "timezone": "America/Chicago"},
    {"data_frequency": DataFrequency.MINUTE_1, "timezone": "America/New_York"},
    {"calendar": "NYSE", "feed_spec": FeedSpec(timestamp_semantics="bar_close", timezone="UTC", data_frequency="1h")},
    {
        "calendar": "NYSE",
        "data_frequency": DataFrequency.HOURLY,
        "feed_spec": FeedSpec(timestamp_semantics="event_time"),
        "enforce_sessions": True,
    },
)
"""What a configuration says about time, several fields at once: one of them alone often means nothing, or is refused."""


def _latest_fields() -> dict[str, tuple[Any, ...]]:
    """Return the values of the fields that only ml4t-backtest 0.2 has."""
    try:
        from ml4t.backtest.config import CancelPolicy, ConditionalOrderMode
    except ImportError:
        return {}
    return {
        "conditional_order_mode": tuple(ConditionalOrderMode),
        "next_bar_execution_price": (None, *ExecutionPrice),
        "cancel_policy": tuple(CancelPolicy),
        "corporate_action_policy": ("declared_terms", "zipline_3_2"),
        "time_contract_version": (1, 2),
        "periods_per_year": (None, 252.0, 17),
    }


FIELDS: dict[str, tuple[Any, ...]] = {
    **{name: tuple(enum) for name, enum in _MEMBERS.items()},
    **dict.fromkeys(_SWITCHES, (False, True)),
    **_NUMBERS,
    **_VALUES,
    **_latest_fields(),
}
"""The values that the fields of a configuration get by themselves; `CLOCKED` has the others."""

variations = st.builds(
    lambda changes, clocked: clocked | changes,
    st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in FIELDS.items()}),
    st.sampled_from(CLOCKED),
)
"""Fields that differ from those of a profile."""


def configuration(profile: str, changes: dict[str, Any], *, quotes: bool) -> BacktestConfig:
    """Return a profile with changes, of which those are left out that need quotes where there are none."""
    config = BacktestConfig.from_preset(profile)
    for name, value in changes.items():
        if quotes or not (isinstance(value, ExecutionPrice) and value in _QUOTED):
            setattr(config, name, value)
    return config
