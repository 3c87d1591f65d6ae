"""At what price an order may trade, given the touch."""

from __future__ import annotations

from ml4t_live_ib.simulator.venue.order import Order
from ml4t_live_ib.simulator.venue.tape import Tape

STOPS = frozenset({"STP", "STP LMT", "TRAIL", "MIT"})
"""The orders that wait for a trigger."""

AUCTION = frozenset({"MOC", "LOC"})
"""The orders that wait for the close; those of lifetime OPG wait for the open."""

_LIMITED = frozenset({"LMT", "STP LMT", "LOC"})


def waits_for_auction(order: Order) -> bool:
    """Return whether it trades at an auction only."""
    return order.kind in AUCTION or order.terms["tif"] == "OPG"


def trade_price(order: Order, tape: Tape, *, arriving: bool) -> float | None:
    """Return the price at which the order trades now, None when it does not; moves its trail and springs its trigger.

    An order that arrives, or has just been triggered, gets the touch; one that rests gets its limit.
    """
    if order.kind in STOPS and not order.triggered:
        if not _triggers(order, tape):
            return None
        order.triggered = arriving = True
    touch = tape.ask if order.sign > 0 else tape.bid
    if not within_limit(order, touch):
        return None
    return touch if arriving or order.kind not in _LIMITED else float(order.terms["lmtPrice"])


def within_limit(order: Order, price: float) -> bool:
    """Return whether the order would trade at this price."""
    return order.kind not in _LIMITED or order.sign * (price - order.terms["lmtPrice"]) <= 0


def _triggers(order: Order, tape: Tape) -> bool:
    stop = _trail(order, tape.last) if order.kind == "TRAIL" else float(order.terms["auxPrice"])
    against = -1 if order.kind == "MIT" else 1
    return against * order.sign * (tape.last - stop) >= 0


def _trail(order: Order, last: float) -> float:
    percent = order.terms["trailingPercent"]
    distance = last * percent / 100 if percent else order.terms["auxPrice"]
    candidate = order.contract.round(last + order.sign * distance)
    if order.trail_stop is None:
        order.trail_stop = order.terms["trailStopPrice"] or candidate
    order.trail_stop = min(order.trail_stop, candidate) if order.sign > 0 else max(order.trail_stop, candidate)
    return order.trail_stop
