"""An order that waits at the venue, and what the venue remembers of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, frozen

from ml4t.live.model import Order, OrderType

STOPS = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
"""Orders that sleep until the market has reached a price."""

_FOLLOWING = frozenset({OrderType.STOP, OrderType.TRAILING_STOP})


@frozen
class Resting:
    """An order at the venue, and what the market was when it came.

    `since` is the moment from which data are new to it. `crosses` says that it could have traded at the last price: then
    it takes what comes first, where an order that waits in the book trades at its own limit. `best` is the best price
    that a trailing stop has seen, `triggered` says that a stop was reached, `executions` counts the fills.
    """

    order: Order
    since: int = 0
    crosses: bool = False
    best: float | None = None
    triggered: bool = False
    executions: int = 0

    @property
    def takes_any_price(self) -> bool:
        """True for an order that trades at whatever comes: a market order, or a stop that was reached."""
        kind = self.order.order_type
        return kind is OrderType.MARKET or (self.triggered and kind in _FOLLOWING)

    @property
    def note(self) -> dict[str, Any] | None:
        """What a restart needs and the order itself does not say; None when there is nothing of the kind."""
        if self.order.order_type not in STOPS or (self.best is None and not self.triggered):
            return None
        return {"best": self.best, "triggered": self.triggered}


def recalled(order: Order, note: Mapping[str, Any] | None, executions: int) -> Resting:
    """Return an order as it rested before a restart.

    Notes are as old as the last checkpoint. What is missing counts against nobody: a trailing stop goes on from the last
    best price that was noted, or from the next price, so that it never triggers earlier than it would have. A stop of
    which a part has traded was reached, whatever the note says.
    """
    reached = order.order_type in STOPS and order.filled_quantity > 0
    resting = Resting(order, triggered=reached, executions=executions)
    if note is None:
        return resting
    return evolve(resting, best=note["best"], triggered=reached or bool(note["triggered"]))
