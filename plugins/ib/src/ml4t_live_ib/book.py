"""The orders of one connection as IB itself tells of them.

The SDK keeps such a table too, and writes states of its own making into it (an order that a mere warning names reads as
cancelled there). This one believes `openOrder` and `orderStatus` and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import ib_async
from attrs import define, evolve
from ib_async import Contract

from ml4t.live.model import OrderState, Terms
from ml4t_live_ib.orders import state_of, terms_of

Key = tuple[int, int]
"""Client id and order id; for an order that was placed by hand in TWS, -1 and its permanent id."""


@define
class BookedOrder:
    """One order at IB. `number` is IB's order id, which is good for this connection only; identity is `perm_id`."""

    client_id: int
    number: int
    contract: Contract
    order: ib_async.Order
    """As IB last told it; as we sent it, until then."""
    believed: Terms | None = None
    """The terms that the engine takes it to have; None when it was never told."""
    held: bool = False
    """Sent as part of a group that TWS holds back until the last of it has come."""
    perm_id: int = 0
    status: str = ""
    filled: float = 0.0
    reason: str = ""
    """What IB last said about it in a message."""
    acknowledged: bool = False
    told: tuple[OrderState, float, str] | None = None
    """What the engine was last told of it: state, quantity traded, IB's id."""

    @property
    def order_id(self) -> str:
        """Our order id, empty for a foreign order that has none."""
        return str(self.order.orderRef)

    @property
    def state(self) -> OrderState:
        """Where it stands."""
        if self.held and self.status == "Inactive" and not self.acknowledged and not self.reason:
            return OrderState.UNKNOWN  # nobody has refused it: TWS waits for the rest of its group
        return state_of(self.status, self.filled)

    @property
    def terms(self) -> Terms:
        """Its terms as IB last told them; the stop of a trailing order moves, so that is left as it was asked for."""
        terms = terms_of(self.order)
        if terms.trail_amount is None or self.believed is None:
            return terms
        return evolve(terms, stop_price=self.believed.stop_price)

    @property
    def venue_order_id(self) -> str:
        """IB's permanent id, empty while IB has not given it one."""
        return str(self.perm_id or "")


class OrderTable:
    """The orders that IB has told of, or that were sent, on this connection."""

    def __init__(self) -> None:
        self._orders: dict[Key, BookedOrder] = {}

    def placed(self, booked: BookedOrder) -> None:
        """Note an order that is about to be sent."""
        self._orders[booked.client_id, booked.number] = booked

    def opened(self, number: int, contract: Contract, order: ib_async.Order, status: str) -> BookedOrder:
        """Take in an `openOrder`: the terms of an order, and its state while no `orderStatus` has told it."""
        key = _key(order.clientId, number, order.permId)
        booked = self._orders.get(key)
        if booked is None:
            booked = self._orders[key] = BookedOrder(order.clientId, number, contract, order)
        booked.order = order
        booked.perm_id = order.permId or booked.perm_id
        booked.status = booked.status or status
        return booked

    def stands(self, number: int, client_id: int, perm_id: int, status: str, filled: float) -> BookedOrder | None:
        """Take in an `orderStatus`; None when nothing is known of the order. What has traded never becomes less."""
        booked = self._orders.get(_key(client_id, number, perm_id))
        if booked is not None:
            booked.perm_id = perm_id or booked.perm_id
            booked.status = status
            booked.filled = max(booked.filled, filled)
        return booked

    def numbered(self, client_id: int, number: int) -> BookedOrder | None:
        """Return the order that a client gave this number."""
        return self._orders.get((client_id, number))

    def named(self, order_id: str) -> BookedOrder | None:
        """Return the order with our id, one that may still trade before one that may not."""
        found = [each for each in self._orders.values() if each.order_id == order_id]
        return max(found, key=lambda each: each.state.is_open, default=None)

    def of(self, orders: Iterable[ib_async.Order]) -> Iterator[BookedOrder]:
        """Return what is booked of orders that IB has just listed, each once."""
        keys = dict.fromkeys(_key(each.clientId, each.orderId, each.permId) for each in orders)
        return (self._orders[key] for key in keys if key in self._orders)


def _key(client_id: int, number: int, perm_id: int) -> Key:
    return (client_id, number) if number > 0 else (-1, perm_id)
