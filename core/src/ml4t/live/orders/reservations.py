"""What open orders may still buy and sell, each as far as its links let it trade."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ml4t.live.model import Order, OrderSide

Pair = tuple[str, str, OrderSide]
"""The group, symbol and side of orders of which one cancels the other."""


class Reservations:
    """The sums of what open orders may still trade, per symbol and side.

    An order with a parent may trade what its parent has traded and no more; a parent that is not known here has ended, and
    limits nothing. Orders of one `oco_group` on one side count with the largest of them, not with their sum. `parent` looks
    up an order by its id.
    """

    def __init__(self, parent: Callable[[str], Order | None]) -> None:
        self._parent = parent
        self._working: dict[str, _Working] = {}
        self._pairs: dict[Pair, dict[str, float]] = {}
        self._children: dict[str, dict[str, Order]] = {}
        self._linked: dict[str, float] = {}

    def __len__(self) -> int:
        return sum(working.orders for working in self._working.values())

    def add(self, order: Order) -> None:
        """Count an order that has become open."""
        working = self._working.get(order.symbol)
        if working is None:
            working = self._working[order.symbol] = _Working()
        working.orders += 1
        if order.side is OrderSide.BUY:
            working.buys += 1
        if order.parent_id or order.oco_group:
            self._link(order, working)
        else:
            working.move(order.side, order.reserved)

    def remove(self, order: Order) -> None:
        """Count an order no longer, given as it was added."""
        working = self._working[order.symbol]
        if order.order_id in self._linked:
            self._unlink(order, working)
        else:
            working.move(order.side, -order.reserved)
        working.orders -= 1
        if order.side is OrderSide.BUY:
            working.buys -= 1
        working.settle()
        if not working.orders:
            del self._working[order.symbol]

    def follow(self, parent: Order) -> None:
        """Count the open orders again that wait for `parent`, which has changed."""
        for child in list(self._children.get(parent.order_id, {}).values()):
            self.remove(child)
            self.add(child)

    def leads(self, order: Order) -> bool:
        """Return True when an order that is counted waits for this one."""
        return order.order_id in self._children

    def working(self, symbol: str) -> tuple[float, float]:
        """Return the quantities that open orders may still buy and sell."""
        working = self._working.get(symbol)
        return (0.0, 0.0) if working is None else (working.buying, working.selling)

    def orders(self, symbol: str) -> int:
        """Return how many orders of a symbol are counted."""
        working = self._working.get(symbol)
        return 0 if working is None else working.orders

    def symbols(self) -> Sequence[str]:
        """Return the symbols with open orders."""
        return list(self._working)

    def adds(self, order: Order) -> float:
        """Return by how much the sum of its side would rise with an order that is not counted yet."""
        amount = self._allowed(order)
        mates = self._pairs.get(_pair(order)) if order.oco_group else None
        return max(0.0, amount - max(mates.values())) if mates else amount

    def counts(self, order: Order) -> float:
        """Return the part of its side's sum that is due to an open order: nothing when a larger one of its group counts."""
        mates = self._pairs.get(_pair(order)) if order.oco_group else None
        if mates is None:
            return self._linked.get(order.order_id, order.reserved)
        largest = max(mates, key=mates.__getitem__)
        return mates[largest] if largest == order.order_id else 0.0

    def _allowed(self, order: Order) -> float:
        """Return what an order may still trade under its parent, whatever its group has traded."""
        parent = self._parent(order.parent_id) if order.parent_id else None
        if parent is None:
            return order.reserved
        return max(0.0, min(order.reserved, parent.filled_quantity - order.filled_quantity))

    def _link(self, order: Order, working: _Working) -> None:
        amount = self._linked[order.order_id] = self._allowed(order)
        if order.parent_id:
            self._children.setdefault(order.parent_id, {})[order.order_id] = order
        if order.oco_group:
            mates = self._pairs.setdefault(_pair(order), {})
            before = max(mates.values(), default=0.0)
            mates[order.order_id] = amount
            amount = max(mates.values()) - before
        working.move(order.side, amount)

    def _unlink(self, order: Order, working: _Working) -> None:
        amount = self._linked.pop(order.order_id)
        if order.parent_id:
            children = self._children[order.parent_id]
            del children[order.order_id]
            if not children:
                del self._children[order.parent_id]
        if order.oco_group:
            mates = self._pairs[_pair(order)]
            before = max(mates.values())
            del mates[order.order_id]
            amount = before - max(mates.values(), default=0.0)
            if not mates:
                del self._pairs[_pair(order)]
        working.move(order.side, -amount)


class _Working:
    """What the open orders of one symbol may still trade; with the last one of a side its sum goes, and its rounding."""

    __slots__ = ("buying", "buys", "orders", "selling")

    def __init__(self) -> None:
        self.orders = 0
        self.buys = 0
        self.buying = 0.0
        self.selling = 0.0

    def move(self, side: OrderSide, quantity: float) -> None:
        if side is OrderSide.BUY:
            self.buying += quantity
        else:
            self.selling += quantity

    def settle(self) -> None:
        if not self.buys:
            self.buying = 0.0
        if self.orders == self.buys:
            self.selling = 0.0


def _pair(order: Order) -> Pair:
    return (order.oco_group, order.symbol, order.side)
