"""What a fill costs in the shadow."""

from __future__ import annotations

from attrs import frozen

from ml4t.live.model import OrderSide


@frozen
class Costs:
    """Commission as a fraction of notional, slippage in basis points of the price against the order."""

    commission_rate: float = 0.0
    slippage_bps: float = 0.0

    def slipped(self, price: float, side: OrderSide) -> float:
        """Return the price after slippage: higher for a buy, lower for a sell."""
        return price * (1.0 + side.sign * self.slippage_bps / 10_000.0)

    def commission(self, notional: float) -> float:
        """Return the commission on a fill of `notional`."""
        return abs(notional) * self.commission_rate
