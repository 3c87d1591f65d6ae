"""What linked orders at the shadow venue may trade: an exit what its entry has opened, one of a pair what the other left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from ml4t.live.model import Order, OrderState, OrderType
from ml4t.live.orders.states import DUST
from ml4t.live.shadow.resting import Resting


class Links:
    """Counts, for every open order that others wait for, what it has opened and they have not closed yet."""

    def __init__(self) -> None:
        self._opened: dict[str, float] = {}
        self.due: dict[str, float] = {}
        """What is left of orders that have yet to arrive, by id: their parent or the other of their pair has gone on."""

    def begin(self, orders: Iterable[Order]) -> None:
        """Note the parents that new orders wait for."""
        for order in orders:
            if order.parent_id:
                self._opened.setdefault(order.parent_id, 0.0)

    def restore(self, known: Iterable[Order]) -> None:
        """Take back what all orders that are `known`, ended ones included, have opened and closed."""
        orders = {order.order_id: order for order in known}
        for order in orders.values():
            parent = orders.get(order.parent_id)
            if parent is not None:
                opened = self._opened.get(parent.order_id, parent.filled_quantity)
                self._opened[parent.order_id] = opened - order.filled_quantity
        left = _left_in_groups(orders.values())
        for order in orders.values():
            parent = orders.get(order.parent_id)
            limit = inf if parent is None or parent.is_open else self._opened[parent.order_id]
            limit = min(limit, left.get(order.oco_group, inf))
            if order.is_open and limit < order.remaining:
                self.due[order.order_id] = limit
        for ended in [name for name in self._opened if not orders[name].is_open]:
            del self._opened[ended]

    def tradable(self, order: Order) -> float:
        """Return what an order may trade now; a parent that has ended limits nothing any more."""
        opened = self._opened.get(order.parent_id, inf)
        return order.remaining if opened >= order.remaining else _undusted(opened, order)

    def traded(self, order: Order, quantity: float) -> bool:
        """Count a fill; return True when it lets the children of the order work that could not before."""
        if order.parent_id in self._opened:
            self._opened[order.parent_id] -= quantity
        opened = self._opened.get(order.order_id)
        if opened is None:
            return False
        self._opened[order.order_id] = opened + quantity
        return _undusted(opened, order) == 0.0

    def end(self, order: Order) -> float | None:
        """Forget an order that has ended; return what its children are left to close, None when it has none."""
        return self._opened.pop(order.order_id, None)


def in_turn(book: Iterable[Resting]) -> Sequence[Resting]:
    """Return the orders of a symbol in the turn in which an event meets them: linked stops, other linked orders, the rest.

    Exits come before the entry, so that none trades with the event that opened what it closes. When a bar reaches both exits
    the stop trades: nobody knows which price came first.
    """
    return sorted(book, key=_turn)


def shrunk(resting: Resting, remaining: float) -> Resting | None:
    """Return a resting order with no more than `remaining` left to trade, None when that is nothing."""
    order = resting.order
    if _undusted(remaining, order) == 0.0:
        return None
    if remaining >= order.remaining:
        return resting
    changed = order.changed(quantity=order.filled_quantity + remaining)
    return Resting(changed, resting.since, resting.crosses, resting.best, resting.triggered, resting.executions)


def _left_in_groups(orders: Iterable[Order]) -> dict[str, float]:
    """Return what is left of each group: its orders have as much left each, whatever a crash kept from the others."""
    left: dict[str, float] = {}
    for order in orders:
        if order.oco_group and (order.is_open or order.state is OrderState.FILLED):
            left[order.oco_group] = min(left.get(order.oco_group, inf), order.remaining)
    return left


def _turn(resting: Resting) -> int:
    order = resting.order
    if not (order.parent_id or order.oco_group):
        return 2
    return int(order.order_type is OrderType.LIMIT)


def _undusted(quantity: float, order: Order) -> float:
    return quantity if quantity > order.quantity * DUST else 0.0
