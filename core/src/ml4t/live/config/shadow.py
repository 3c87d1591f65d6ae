"""The settings of the shadow venue: cash, costs, and what it lets an order do."""

from __future__ import annotations

from typing import Literal

from attrs import field, fields, frozen
from attrs.validators import ge, gt, le, lt, optional

CommissionModel = Literal["none", "percentage", "per_share", "tiered", "fixed"]
SlippageModel = Literal["none", "percentage", "fixed", "spread", "volume"]

_COMMISSIONS = {
    "percentage": ("commission_rate",),
    "per_share": ("commission_per_share", "commission_minimum"),
    "tiered": ("commission_tiers",),
    "fixed": ("commission_per_trade",),
}
_SLIPPAGES = {
    "percentage": ("slippage_bps",),
    "fixed": ("slippage_per_unit",),
    "spread": ("slippage_spread_share",),
    "volume": ("slippage_impact",),
}

Tier = tuple[float, float]
"""From which value of an order a rate applies, and the rate."""


@frozen(kw_only=True)
class ShadowSettings:
    """The shadow venue, which fills orders against live data and sends nothing: `[shadow]`."""

    initial_cash: float = field(default=100_000.0, validator=gt(0))
    """Cash at the start, in the account's currency."""
    commission: CommissionModel = "percentage"
    """What orders are charged by: none, percentage, per_share, tiered or fixed."""
    commission_rate: float = field(default=0.0, validator=ge(0))
    """percentage: commission as a share of an order's value; 0.001 is ten basis points."""
    commission_per_share: float = field(default=0.0, validator=ge(0))
    """per_share: money per unit."""
    commission_minimum: float = field(default=0.0, validator=ge(0))
    """per_share: money that an order pays at least."""
    commission_tiers: tuple[Tier, ...] = ()
    """tiered: pairs of the value from which a rate applies, and the rate, as in [[0, 0.001], [10000, 0.0005]]."""
    commission_per_trade: float = field(default=0.0, validator=ge(0))
    """fixed: money per order that trades."""
    slippage: SlippageModel = "percentage"
    """How much worse than the market an order fills that takes what is there: none, percentage, fixed, spread or volume."""
    slippage_bps: float = field(default=0.0, validator=ge(0))
    """percentage: basis points of the price."""
    slippage_per_unit: float = field(default=0.0, validator=ge(0))
    """fixed: money per unit."""
    slippage_spread_share: float = field(default=0.5, validator=ge(0))
    """spread: distance from the mid as a share of the quoted spread; 0.5 is the far side."""
    slippage_impact: float = field(default=0.0, validator=[ge(0), lt(1)])
    """volume: share of the price that an order pays which is as large as the event's volume."""
    allow_shorts: bool = True
    """False refuses orders that would sell what is not held."""
    max_volume_share: float | None = field(default=None, validator=optional([gt(0), le(1)]))
    """The most that orders take of an event's volume, as in 0.1; the rest goes on resting. None: volume is no limit."""
    leverage: float = field(default=1.0, validator=gt(0))
    """How many times equity the gross exposure may be; 1 is an account without margin."""
    maintenance_margin: float | None = field(default=None, validator=optional([gt(0), le(1)]))
    """Equity as a fraction of gross exposure below which nothing is opened any more, as in 0.25. None: no such floor."""

    def __attrs_post_init__(self) -> None:
        for choice, models in (("commission", _COMMISSIONS), ("slippage", _SLIPPAGES)):
            chosen = getattr(self, choice)
            for model, keys in models.items():
                for key in keys if model != chosen else ():
                    if getattr(self, key) != getattr(fields(ShadowSettings), key).default:
                        raise ValueError(f'{key} means nothing with {choice} = "{chosen}"; write {choice} = "{model}"')
        problem = self.commission == "tiered" and tier_problem(self.commission_tiers)
        if problem:
            raise ValueError(f"commission_tiers {problem}")


def tier_problem(tiers: tuple[Tier, ...]) -> str:
    """Return what is wrong with tiers, empty when nothing is."""
    starts = [start for start, _ in tiers]
    if not tiers or starts[0] != 0:
        return "must begin at 0; write the first as [0, rate]"
    if starts != sorted(set(starts)):
        return "must rise; write them in order of value, each value once"
    if any(not 0 <= rate < 1 for _, rate in tiers):
        return "must have rates from 0 to below 1; 0.001 is ten basis points"
    return ""
