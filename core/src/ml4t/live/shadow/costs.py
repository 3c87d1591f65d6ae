"""What a fill costs in the shadow: a commission and a slippage, as `[shadow]` chooses them."""

from __future__ import annotations

from attrs import field, frozen

from ml4t.live.config.shadow import ShadowSettings
from ml4t.live.model import Order
from ml4t.live.shadow.commission import (
    Commission,
    FixedCommission,
    NoCommission,
    PercentageCommission,
    PerShareCommission,
    TieredCommission,
)
from ml4t.live.shadow.slippage import (
    FixedSlippage,
    NoSlippage,
    PercentageSlippage,
    Slippage,
    SpreadSlippage,
    Touch,
    VolumeSlippage,
)


@frozen
class Costs:
    """What orders pay: everybody the commission, those who take what is there the slippage."""

    commission: Commission = field(factory=NoCommission)
    slippage: Slippage = field(factory=NoSlippage)

    def slipped(self, order: Order, quantity: float, touch: Touch) -> float:
        """Return the price after slippage: higher for a buy, lower for a sell, and never below zero."""
        return max(touch.price + order.side.sign * self.slippage.against(quantity, touch), 0.0)

    def charge(self, order: Order, quantity: float, price: float) -> float:
        """Return the commission on the next fill of an order: what is due after it, less what the order has paid."""
        notional = order.filled_quantity * (order.average_price or 0.0) + quantity * price
        return max(self.commission.due(order.filled_quantity + quantity, notional) - order.commission, 0.0)


def costs_of(settings: ShadowSettings) -> Costs:
    """Return the costs that `[shadow]` asks for."""
    s = settings
    commissions: dict[str, Commission] = {
        "none": NoCommission(),
        "percentage": PercentageCommission(s.commission_rate),
        "per_share": PerShareCommission(s.commission_per_share, s.commission_minimum),
        "tiered": TieredCommission(s.commission_tiers or ((0.0, 0.0),)),
        "fixed": FixedCommission(s.commission_per_trade),
    }
    slippages: dict[str, Slippage] = {
        "none": NoSlippage(),
        "percentage": PercentageSlippage(s.slippage_bps),
        "fixed": FixedSlippage(s.slippage_per_unit),
        "spread": SpreadSlippage(s.slippage_spread_share),
        "volume": VolumeSlippage(s.slippage_impact),
    }
    return Costs(commissions[s.commission], slippages[s.slippage])
