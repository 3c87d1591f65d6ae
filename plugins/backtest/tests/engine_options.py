"""Options of the backtest's engine: every model of costs, impact, size and contracts that the installed version takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from compared_kit import LATEST
from ml4t.backtest import BacktestConfig, default_execution_policy
from ml4t.backtest.execution.impact import LinearImpact, NoImpact, PowerLawImpact, SquareRootImpact
from ml4t.backtest.execution.limits import (
    AdaptiveParticipationLimit,
    NoLimits,
    PositiveVolumeLimit,
    VolumeParticipationLimit,
)
from ml4t.backtest.types import AssetClass, ContractSpec

_POLICY = default_execution_policy(BacktestConfig())
_FUTURES = {
    "A0": ContractSpec("A0", asset_class=AssetClass.FUTURE, multiplier=5.0, margin=300.0, tick_size=0.25),
    "A1": ContractSpec("A1", asset_class=AssetClass.FUTURE, multiplier=5.0, margin_pct=(0.2, 0.1)),
}


class Staircase:
    """A commission that depends on how often it was asked: two engines must not share it."""

    def __init__(self) -> None:
        self.asked = 0

    def calculate(self, asset: str, quantity: float, price: float) -> float:
        """Return a fee that is higher each time."""
        self.asked += 1
        return 0.01 * self.asked


def _costs() -> tuple[dict[str, Any], ...]:
    """Return the models that only the engine of ml4t-backtest 0.2 takes."""
    if not LATEST:
        return ()
    from ml4t.backtest import models
    from ml4t.backtest.execution.limits import AssetExecutionLimits, SharedVolumeParticipationLimit

    per_share = models.PerShareCommission(0.01, 1.0)
    commissions = (
        models.NoCommission(),
        models.PercentageCommission(0.001),
        per_share,
        models.PerOrderCommission(0.01, 0.0005, 0.5, 1.0),
        models.PerOrderPerShareCommission(0.01, 1.0),
        models.AssetCommission({"A0": per_share}, default=models.PercentageCommission(0.002)),
        models.TieredCommission([(1_000.0, 0.002), (10_000.0, 0.001)]),
        models.CombinedCommission(0.0005, 1.0),
        models.FuturesCommission(1.0, 0.05, 0.0001),
        Staircase(),
    )
    slippages = (
        models.NoSlippage(),
        models.FixedSlippage(0.02),
        models.SpreadSlippage(0.04, {"A1": 0.1}, "half_spread"),
        models.PercentageSlippage(0.001),
        models.VolumeShareSlippage(0.1),
        models.CumulativeVolumeShareSlippage(0.05),
        models.FuturesSlippage(0.25),
        models.AssetSlippage({"A0": models.FixedSlippage(0.05)}, default=models.NoSlippage(), price_sources={"A1": "close"}),
    )
    shared = SharedVolumeParticipationLimit(max_participation=0.2, shared_participation=0.3)
    return (
        *({"commission_model": each} for each in commissions),
        *({"slippage_model": each} for each in slippages),
        {"execution_limits": shared},
        {"execution_limits": AssetExecutionLimits({"A0": shared}, default=NoLimits())},
        {"contract_specs": _FUTURES, "commission_model": models.FuturesCommission(1.0, 0.05, 0.0001)},
    )


OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"market_impact_model": NoImpact()},
    {"market_impact_model": LinearImpact()},
    {"market_impact_model": SquareRootImpact()},
    {"market_impact_model": PowerLawImpact()},
    {"execution_limits": NoLimits()},
    {"execution_limits": PositiveVolumeLimit()},
    {"execution_limits": VolumeParticipationLimit(max_participation=0.1)},
    {"execution_limits": AdaptiveParticipationLimit()},
    {"contract_specs": {"A0": ContractSpec("A0", multiplier=5.0)}},
    {"contract_specs": _FUTURES},
    {"execution_policy": replace(_POLICY, policy_id="a third", liquidity_fraction=0.3, allow_partial_fills=True)},
    {"lifecycle_version": "1"},
    *_costs(),
)
