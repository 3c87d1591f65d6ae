"""An execution."""

from __future__ import annotations

from attrs import frozen

from ml4t.live.model.order import OrderSide


@frozen
class Fill:
    """One execution of an order, in whole or in part.

    `execution_id` is unique per venue and account for ever: the same id seen again is the same fill. `time` is the venue's,
    in nanoseconds UTC; `price` is per unit, `commission` in the account's currency and positive when paid, 0 while it is
    not known: the same execution reported again with one completes it.

    `corrects` is the id of the execution that this one takes the place of, in which case `quantity` may be 0: the trade was
    taken back.
    """

    execution_id: str
    order_id: str
    symbol: str
    side: OrderSide
    quantity: float
    price: float
    time: int
    commission: float = 0.0
    venue: str = ""
    account: str = ""
    venue_order_id: str = ""
    corrects: str = ""

    @property
    def signed_quantity(self) -> float:
        """The quantity, negative for a sell."""
        return self.quantity if self.side is OrderSide.BUY else -self.quantity
