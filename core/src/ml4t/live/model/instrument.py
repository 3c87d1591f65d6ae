"""What is traded."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from attrs import field, frozen
from attrs.validators import gt, optional


@frozen
class Instrument:
    """The trading rules of one symbol.

    Prices are multiples of `price_tick`, quantities multiples of `quantity_step`; None means that any value is allowed.
    One unit is worth `multiplier` times the price in `currency`.
    """

    symbol: str
    asset_class: str = "equity"
    venue: str = ""
    currency: str = "USD"
    price_tick: Decimal | None = field(default=None, validator=optional(gt(Decimal(0))))
    quantity_step: Decimal | None = field(default=None, validator=optional(gt(Decimal(0))))
    min_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    multiplier: float = field(default=1.0, validator=gt(0))

    def round_price(self, price: float) -> Decimal:
        """Return the price on the tick grid, nearest tick, ties to even."""
        return _on_grid(price, self.price_tick, ROUND_HALF_EVEN)

    def round_quantity(self, quantity: float) -> Decimal:
        """Return the quantity on the step grid, towards zero: rounding never adds risk."""
        return _on_grid(quantity, self.quantity_step, ROUND_DOWN)


def _on_grid(value: float, step: Decimal | None, rounding: str) -> Decimal:
    # repr() is the shortest text that names this float, so 0.1 becomes Decimal("0.1") and not its binary expansion.
    exact = Decimal(repr(value))
    if step is None:
        return exact
    return (exact / step).to_integral_value(rounding=rounding) * step
