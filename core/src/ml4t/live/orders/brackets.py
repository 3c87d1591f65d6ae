"""Orders that belong together: an entry with its two exits, and two exits of which one cancels the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

from ml4t.live.model import Order, OrderSide, OrderState, OrderType, TimeInForce, Verdict
from ml4t.live.orders.book import OrderBook
from ml4t.live.orders.request import INVALID

PARENT_REFUSED = "parent_refused"
"""The code of an order that was refused because another one that it belongs to was."""


class Make(Protocol):
    """Makes an order in the asset and at the moment of one decision, NEW or REJECTED."""

    def __call__(
        self,
        quantity: float,
        side: OrderSide | str | None,
        order_type: OrderType | str,
        limit_price: float | None = None,
        stop_price: float | None = None,
        time_in_force: TimeInForce | str = TimeInForce.GTC,
    ) -> Order:
        """Make the next order of the decision."""
        ...


def make_bracket(
    make: Make,
    entry: Order,
    take_profit: float,
    stop_loss: float,
    *,
    last: float | None,
    validate_prices: bool,
) -> tuple[Order, Order, Order]:
    """Return the entry, the limit order that takes the profit and the stop that ends the loss, linked to each other.

    With `validate_prices` the entry is REJECTED unless the exits lie on either side of it: of its limit, else of the `last`
    price, None when that is not known.
    """
    side = OrderSide.SELL if entry.side is OrderSide.BUY else OrderSide.BUY
    links = {"parent_id": entry.order_id, "oco_group": entry.order_id}
    target = make(entry.quantity, side, OrderType.LIMIT, limit_price=take_profit).changed(**links)
    stop = make(entry.quantity, side, OrderType.STOP, stop_price=stop_loss).changed(**links)
    if validate_prices:
        entry = _with_problem(entry, bracket_problem(entry, target.limit_price, stop.stop_price, last))
    return entry, target, stop


def make_oco(make: Make, quantity: float, limit_price: float, stop_price: float, side: OrderSide | str) -> tuple[Order, Order]:
    """Return a limit order and a stop on one side, of which a fill of one takes as much from the other."""
    limit = make(quantity, side, OrderType.LIMIT, limit_price=limit_price)
    stop = make(quantity, side, OrderType.STOP, stop_price=stop_price)
    links = {"oco_group": limit.order_id}
    return limit.changed(**links), stop.changed(**links)


def bracket_problem(entry: Order, take_profit: float | None, stop_loss: float | None, last: float | None) -> str:
    """Return what is wrong with the exits of an entry, empty when nothing is; a price that is None is not compared."""
    sign = entry.side.sign
    named = (("stop_loss", stop_loss), ("entry", entry.limit_price or last), ("take_profit", take_profit))
    prices = [(name, price) for name, price in named if price is not None]
    for (lower, low), (higher, high) in pairwise(prices):
        if sign * (high - low) <= 0:
            where = "above" if entry.side is OrderSide.BUY else "below"
            return f"{higher} {high:g} is not {where} {lower} {low:g}, as a bracket around a {entry.side} needs it"
    return ""


def also_refused(order: Order) -> Verdict:
    """Return the refusal of an order that belongs to one that was refused."""
    return Verdict(False, PARENT_REFUSED, f"order {order.order_id}, which it belongs to, was refused", check="linked")


def leaves_with(order: Order, orders: OrderBook) -> Sequence[Order]:
    """Return the orders that are sent together with one that has not left yet, itself included."""
    if not (order.parent_id or order.oco_group or orders.leads(order)):
        return [order]
    family = {order.order_id, order.parent_id, order.oco_group} - {""}
    return [
        each
        for each in orders.open_orders
        if each.state is OrderState.INTENT and family & {each.order_id, each.parent_id, each.oco_group}
    ]


def _with_problem(order: Order, problem: str) -> Order:
    if not problem or order.state is OrderState.REJECTED:
        return order
    return order.changed(state=OrderState.REJECTED, code=INVALID, reason=problem)
