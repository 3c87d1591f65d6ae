"""A holding."""

from __future__ import annotations

from attrs import frozen


@frozen
class Position:
    """How much of a symbol is held, and at what price it was acquired.

    `quantity` is signed: negative is short. `mark` is the last trusted price, None before the first one;
    `realised_pnl` is what closing parts of it has earned since the books began, commissions not deducted.
    """

    symbol: str
    quantity: float
    average_price: float
    mark: float | None = None
    realised_pnl: float = 0.0
    multiplier: float = 1.0
    opened_at: int = 0

    @property
    def market_value(self) -> float:
        """Signed value at the mark (at the average price before the first mark)."""
        price = self.average_price if self.mark is None else self.mark
        return self.quantity * price * self.multiplier

    @property
    def unrealised_pnl(self) -> float:
        """What closing at the mark would earn, commissions not deducted."""
        if self.mark is None:
            return 0.0
        return (self.mark - self.average_price) * self.quantity * self.multiplier
