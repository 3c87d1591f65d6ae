"""Configurations of a backtest: every profile, and variations of every field that decides how orders trade."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from ml4t.backtest import BacktestConfig
from ml4t.backtest.config import (
    CommissionType,
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
from ml4t.backtest.execution.impact import LinearImpact, PowerLawImpact, SquareRootImpact
from ml4t.backtest.execution.limits import PositiveVolumeLimit, VolumeParticipationLimit
from ml4t.backtest.profiles import _PROFILES, list_profiles
from ml4t.backtest.types import ContractSpec, ExecutionMode, StopFillMode, StopLevelBasis

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
    "rebalance_headroom_pct": (1.0, 0.95),
    "late_asset_min_bars": (1, 4),
}


def _latest_fields() -> dict[str, st.SearchStrategy[Any]]:
    """Return the fields that only ml4t-backtest 0.2 has."""
    try:
        from ml4t.backtest.config import ConditionalOrderMode
    except ImportError:
        return {}
    return {
        "conditional_order_mode": st.sampled_from(ConditionalOrderMode),
        "next_bar_execution_price": st.sampled_from((None, *ExecutionPrice)),
    }


variations = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.sampled_from(enum) for name, enum in _MEMBERS.items()},
        **{name: st.booleans() for name in _SWITCHES},
        **{name: st.sampled_from(values) for name, values in _NUMBERS.items()},
        **_latest_fields(),
    },
)
"""Fields that differ from those of a profile."""

OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"market_impact_model": LinearImpact()},
    {"market_impact_model": SquareRootImpact()},
    {"market_impact_model": PowerLawImpact()},
    {"execution_limits": PositiveVolumeLimit()},
    {"execution_limits": VolumeParticipationLimit(max_participation=0.1)},
    {"contract_specs": {"A0": ContractSpec("A0", multiplier=5.0)}},
)


def configuration(profile: str, changes: dict[str, Any], *, quotes: bool) -> BacktestConfig:
    """Return a profile with changes, of which those are left out that need quotes where there are none."""
    config = BacktestConfig.from_preset(profile)
    for name, value in changes.items():
        if quotes or value not in _QUOTED:
            setattr(config, name, value)
    return config
