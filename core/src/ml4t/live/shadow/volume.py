"""How much of one event there is to trade with."""

from __future__ import annotations

from ml4t.live.model import Bar, MarketEvent, OrderSide, Quote, Trade
from ml4t.live.orders.states import DUST


def volume_of(event: MarketEvent, side: OrderSide) -> float:
    """Return the volume that an order could have traded with, in units; 0 where the event does not say.

    A trade's size, the size of the far side of a quote, the volume of a whole bar. A bar that still runs says its volume
    again with every update, and so counts only once it is whole.
    """
    if isinstance(event, Trade):
        return event.size
    if isinstance(event, Quote):
        return event.ask_size if side is OrderSide.BUY else event.bid_size
    if isinstance(event, Bar) and event.complete:
        return event.volume
    return 0.0


class Volume:
    """What the orders of one symbol may take of one event, all together: the first come take first.

    `share` is a fraction of the event's volume; None is no limit. Buyers and sellers share a trade or a bar; a quote has a
    size for each.
    """

    __slots__ = ("_event", "_share", "_taken")

    def __init__(self, event: MarketEvent, share: float | None) -> None:
        self._event = event
        self._share = share
        self._taken: dict[OrderSide, float] = {}

    def offer(self, side: OrderSide, wanted: float, quantity: float) -> float:
        """Return how much of `wanted` there is: all of it when no more than dust of the order's `quantity` would be left."""
        if self._share is None:
            return wanted
        taken = self._taken.get(side, 0.0) if isinstance(self._event, Quote) else sum(self._taken.values())
        left = self._share * volume_of(self._event, side) - taken
        dust = quantity * DUST
        if left >= wanted - dust:
            return wanted
        return left if left > dust else 0.0

    def take(self, side: OrderSide, quantity: float) -> None:
        """Use up what has traded."""
        self._taken[side] = self._taken.get(side, 0.0) + quantity
