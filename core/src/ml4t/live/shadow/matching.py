"""At what price a resting order would have traded against one market event."""

from __future__ import annotations

from ml4t.live.model import Bar, MarketEvent, Order, OrderSide, OrderType, Quote, Trade

TAKERS = frozenset({OrderType.MARKET, OrderType.STOP})
"""Orders that take what is there, and so pay slippage."""


def fill_price(order: Order, event: MarketEvent) -> float | None:
    """Return the price at which `order`, resting before `event`, trades with it; None when it does not.

    A bar is entered at its open: a limit order gets the open when that is better than its limit, a stop the open when the
    market gapped through it. A bar still running counts as a print of its close.
    """
    if event.__class__ is Trade:
        return _at_print(order, event.price)
    if event.__class__ is Quote:
        return _at_quote(order, event)
    if event.__class__ is Bar:
        return _in_bar(order, event) if event.complete else _at_print(order, event.close)
    return None


def _at_print(order: Order, price: float) -> float | None:
    if order.order_type is OrderType.MARKET:
        return price
    buys = order.side is OrderSide.BUY
    if order.order_type is OrderType.LIMIT:
        limit = _own(order.limit_price)
        return limit if (price <= limit if buys else price >= limit) else None
    stop = _own(order.stop_price)
    return price if (price >= stop if buys else price <= stop) else None


def _at_quote(order: Order, quote: Quote) -> float | None:
    buys = order.side is OrderSide.BUY
    price = quote.ask if buys else quote.bid
    if order.order_type is OrderType.MARKET:
        return price
    if order.order_type is OrderType.LIMIT:
        limit = _own(order.limit_price)
        return price if (price <= limit if buys else price >= limit) else None
    stop = _own(order.stop_price)
    return price if (price >= stop if buys else price <= stop) else None


def _in_bar(order: Order, bar: Bar) -> float | None:
    if order.order_type is OrderType.MARKET:
        return bar.open
    buys = order.side is OrderSide.BUY
    if order.order_type is OrderType.LIMIT:
        limit = _own(order.limit_price)
        if buys:
            return min(limit, bar.open) if bar.low <= limit else None
        return max(limit, bar.open) if bar.high >= limit else None
    stop = _own(order.stop_price)
    if buys:
        return max(stop, bar.open) if bar.high >= stop else None
    return min(stop, bar.open) if bar.low <= stop else None


def _own(price: float | None) -> float:
    if price is None:
        raise ValueError("an order without the price of its type reached the venue; the desk refuses those")
    return price
