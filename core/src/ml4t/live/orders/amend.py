"""From what a strategy wants changed of an order to the terms that it would have, or to the reason why not."""

from __future__ import annotations

from typing import Any

from ml4t.live.model import Order, OrderState, Terms
from ml4t.live.orders.request import number, price_problem

NOT_AMENDABLE = "not_amendable"
"""The code of an amendment that cannot be asked for: the order does not work at the venue, or it would be none."""
AMEND_REFUSED = "amend_refused"
"""The code of an order whose amendment the venue refused: it goes on as it was."""

_AT_VENUE = frozenset({OrderState.WORKING, OrderState.PARTIALLY_FILLED})


class CannotAmend(ValueError):
    """An order cannot be amended like this; `code` is stable."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        super().__init__(reason)


def amended_terms(order: Order, **changes: Any) -> Terms:
    """Return the terms of `order` with `changes` (quantity, limit_price, stop_price, trail_amount; None leaves one as it is).

    `quantity` is the whole of the order, what has traded included. Raises CannotAmend.
    """
    if order.state not in _AT_VENUE:
        raise CannotAmend(NOT_AMENDABLE, f"the order is {order.state}; only one that works at the venue can be amended")
    new = {name: _changed(order, name, value) for name, value in changes.items() if value is not None}
    terms = Terms(**{name: new.get(name, getattr(order, name)) for name in Terms.__match_args__})
    if order.oco_group and terms.quantity != order.quantity:
        raise CannotAmend("linked_quantity", "its quantity follows the order that it is linked to; only its prices can change")
    if terms.quantity <= order.filled_quantity:
        raise CannotAmend("invalid_order", f"{order.filled_quantity:g} have traded already; cancel the order to stop there")
    problem = price_problem(order.order_type, terms.limit_price, terms.stop_price, terms.trail_amount)
    if problem:
        raise CannotAmend("invalid_order", problem)
    if order.amendment is not None and order.amendment != terms:
        raise CannotAmend("amendment_under_way", "the venue has not answered the last amendment of this order yet")
    return terms


def _changed(order: Order, name: str, value: Any) -> float:
    amount = number(value)
    if amount is None or amount <= 0:
        raise CannotAmend("invalid_order", f"{name} {value!r} is not a positive number")
    return amount
