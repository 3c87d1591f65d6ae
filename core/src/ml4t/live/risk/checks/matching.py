"""Orders that would trade with our own (row 32 of the table of controls)."""

from __future__ import annotations

from ml4t.live.contracts.risk import RiskView
from ml4t.live.model import ALLOW, Order, OrderSide, OrderType, Verdict, refuse

_WAITING = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
"""Orders that are no offer to anybody before they are triggered."""


class SelfMatch:
    """Refuses an order that could trade with an open one of our own, of any strategy (row 32 of the table of controls).

    A limit meets an open limit at its price or better, and any open market order. A market order meets the open limits at the
    far touch (the last price without a quote) or better: those behind it trade after the market has. Stops are judged by
    the venue when they are triggered.
    """

    def check(self, order: Order, view: RiskView) -> Verdict:
        """Refuse an order that an open one of the other side would meet."""
        if order.order_type in _WAITING or not view.open_in(order.symbol):
            return ALLOW
        reach = _reach(order, view)
        for own in view.open_orders:
            if own.symbol != order.symbol or own.side is order.side or own.order_type in _WAITING:
                continue
            meets = own.limit_price
            if reach is None or meets is None or not (reach - meets) * order.side.sign < 0:
                return refuse(
                    "self_match",
                    f"it could trade with our own {own.side} order {own.order_id}",
                    limit=meets,
                    value=reach,
                )
        return ALLOW


def _reach(order: Order, view: RiskView) -> float | None:
    """Return the worst price at which an order trades at once; None when nothing says it."""
    if order.limit_price is not None:
        return order.limit_price
    state = view.market.get(order.symbol)
    if state is None:
        return None
    touch = state.ask if order.side is OrderSide.BUY else state.bid
    return state.price if touch is None else touch
