"""What a venue does not take, refused here before it reaches the wire."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ml4t.live.contracts.broker import BrokerCapabilities
from ml4t.live.model import Order, OrderSide, Verdict


def unsupported(order: Order, can: BrokerCapabilities | None, shorts: Callable[[Order], bool]) -> Verdict | None:
    """Return the refusal of an order that the venue does not take, None when it does; `can` is None without a venue.

    `shorts` says whether a sale would end below zero; a child sells no more than its parent has bought.
    """
    if can is None:
        return venue_refusal("no_venue", "no venue is connected")
    if order.order_type not in can.order_types:
        return venue_refusal("unsupported_order_type", f"the venue takes no {order.order_type} orders")
    if order.time_in_force not in can.times_in_force:
        return venue_refusal("unsupported_time_in_force", f"the venue takes no {order.time_in_force} orders")
    if not can.fractional and order.quantity % 1:
        return venue_refusal("unsupported_fraction", f"the venue takes whole quantities, not {order.quantity:g}")
    if not (can.shorts or order.parent_id) and order.side is OrderSide.SELL and shorts(order):
        reason = f"the venue takes no shorts, and there is less than {order.quantity:g} to sell"
        return venue_refusal("unsupported_short", reason)
    return None


def unsupported_links(orders: Sequence[Order], can: BrokerCapabilities) -> Verdict | None:
    """Return the refusal of a venue that does not take orders that are linked like these, None when it does."""
    if any(order.parent_id for order in orders):
        return None if can.brackets else venue_refusal("unsupported_bracket", "the venue takes no brackets")
    return None if can.oco else venue_refusal("unsupported_oco", "the venue takes no orders of which one cancels the other")


def venue_refusal(code: str, reason: str) -> Verdict:
    """Return a refusal on behalf of the venue."""
    return Verdict(False, code, reason, check="venue")
