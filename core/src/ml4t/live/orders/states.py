"""How an order moves from state to state: the one place that says what may follow what."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ml4t.live.contracts.broker import OrderUpdate
from ml4t.live.model import Fill, Order, OrderState, Terms

DUST = 1e-9
"""Quantity, relative to the order, that counts as nothing left: floats do not add up to the last bit."""

NEVER_REACHED = "never_reached"
"""The code of an order that the venue never had, as far as asking can prove it."""
UNSENT = "unsent"
"""The code of an order that was cancelled before it was sent."""

_ENDS = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED})
_PROVED = _ENDS | {OrderState.WORKING, OrderState.PARTIALLY_FILLED}
_ENDED = frozenset({OrderState.FILLED})  # by a fill that came late: the money moved

FOLLOWS: Mapping[OrderState, frozenset[OrderState]] = MappingProxyType(
    {
        OrderState.NEW: frozenset({OrderState.INTENT, OrderState.REJECTED}),
        OrderState.INTENT: _PROVED | {OrderState.SENT, OrderState.UNKNOWN},
        OrderState.SENT: _PROVED | {OrderState.UNKNOWN},
        OrderState.UNKNOWN: _PROVED,
        OrderState.WORKING: _ENDS | {OrderState.PARTIALLY_FILLED},
        OrderState.PARTIALLY_FILLED: _ENDS,
        OrderState.FILLED: frozenset(),
        OrderState.CANCELLED: _ENDED,
        OrderState.REJECTED: _ENDED,
        OrderState.EXPIRED: _ENDED,
    }
)
"""The states that may follow each one. Besides, an order that had ended and works at the venue is opened again."""


def with_update(order: Order, update: OrderUpdate) -> Order | None:
    """Return the order after what the venue said, None when that is old news.

    A finished order stays finished. A venue that has the order ends UNKNOWN, and what was proved never becomes UNKNOWN.
    FILLED, or an end after more has traded than is known here, is believed when the executions are here: until then the
    order stays open, and counts as exposure.
    """
    if not order.is_open:
        return None
    before = order
    if update.terms is not None:
        order = _with_terms(order, update.terms)
        if not order.is_open:
            return order.changed(updated_at=update.time)
    state = update.state
    if state is OrderState.FILLED or (not state.is_open and _lacks_fills(order, update)):
        state = OrderState.WORKING
    if state is OrderState.WORKING and order.filled_quantity > 0:
        state = OrderState.PARTIALLY_FILLED
    venue_order_id = update.venue_order_id or order.venue_order_id
    forward = state in FOLLOWS[order.state]
    if not forward and venue_order_id == order.venue_order_id and order is before:
        return None
    return order.changed(
        state=state if forward else order.state,
        venue_order_id=venue_order_id,
        updated_at=update.time,
        code=update.code or order.code,
        reason=update.reason or order.reason,
        amendment=order.amendment if not forward or state.is_open else None,
    )


def _lacks_fills(order: Order, update: OrderUpdate) -> bool:
    return (update.filled_quantity or 0.0) > order.filled_quantity + order.quantity * DUST


def _with_terms(order: Order, terms: Terms) -> Order:
    """Return the order on the venue's terms; an amendment ends with them, and any others were made elsewhere."""
    if terms == order.terms:
        return order
    amendment = None if terms == order.amendment else order.amendment
    changed = order.changed(
        quantity=terms.quantity,
        limit_price=terms.limit_price,
        stop_price=terms.stop_price,
        trail_amount=terms.trail_amount,
        amendment=amendment,
    )
    return _completed(changed)


def settled(order: Order, terms: Terms) -> Order:
    """Return the order on terms that are known for certain, its amendment made or given up."""
    on_terms = _with_terms(order, terms)
    return _completed(on_terms if on_terms.amendment is None else on_terms.changed(amendment=None))


def _completed(order: Order) -> Order:
    """Return an order that has traded all that it may come to as FILLED."""
    if order.filled_quantity < order.largest_quantity * (1.0 - DUST):
        return order
    return order.changed(state=OrderState.FILLED, amendment=None)


def without_fill(order: Order, fill: Fill) -> Order:
    """Return the order as if a fill had not been, for the one that takes its place; a finished order stays finished."""
    filled = max(0.0, order.filled_quantity - fill.quantity)
    paid = (order.average_price or 0.0) * order.filled_quantity - fill.price * fill.quantity
    return order.changed(
        filled_quantity=filled if filled > order.quantity * DUST else 0.0,
        average_price=paid / filled if filled > order.quantity * DUST else None,
        commission=order.commission - fill.commission,
    )


def with_fill(order: Order, fill: Fill) -> Order:
    """Return the order after a fill that was not seen before.

    A fill may come before the acknowledgement, and after a cancel: the money moved, so it counts. A finished order stays
    finished, as FILLED once all of it has traded. One that has traded more than it was for is on its amendment's terms.
    """
    filled = order.filled_quantity + fill.quantity
    paid = (order.average_price or 0.0) * order.filled_quantity + fill.price * fill.quantity
    average_price = paid / filled if filled else None
    if order.amendment is not None and filled > order.quantity * (1.0 + DUST):
        order = _with_terms(order, order.amendment)  # more has traded than it was for: that proves the amendment
    state = order.state
    if abs(filled - order.quantity) <= order.quantity * DUST:
        filled = order.quantity
    if filled >= order.largest_quantity * (1.0 - DUST):
        state = OrderState.FILLED
    elif order.is_open and filled:
        state = OrderState.PARTIALLY_FILLED
    return order.changed(
        state=state,
        filled_quantity=filled,
        average_price=average_price,
        commission=order.commission + fill.commission,
        amendment=None if state is OrderState.FILLED else order.amendment,
        venue_order_id=order.venue_order_id or fill.venue_order_id,
        updated_at=fill.time,
    )
