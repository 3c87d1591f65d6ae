"""At what price a resting order would have traded against one market event."""

from __future__ import annotations

from attrs import frozen

from ml4t.live.model import Bar, MarketEvent, Order, OrderSide, OrderType, Quote, Trade

TAKERS = frozenset({OrderType.MARKET, OrderType.STOP})
"""Orders that take what is there, and so pay slippage."""


@frozen
class Resting:
    """An order at the venue, and what the market was when it came.

    `since` is the moment from which data are new to it. `crosses` says that it could have traded at the last price: then
    it takes what comes first, where an order that waits in the book trades at its own limit.
    """

    order: Order
    since: int = 0
    crosses: bool = False


def fill_price(resting: Resting, event: MarketEvent) -> float | None:
    """Return the price at which an order trades with an event that came after it; None when it does not.

    A bar is entered at its open: a limit order gets the open when that is better than its limit, a stop the open when the
    market gapped through it. A bar that began before the order came, or that still runs, counts as a print of its close.
    """
    order = resting.order
    if event.__class__ is Trade:
        return _at_print(order, event.price, better=resting.crosses)
    if event.__class__ is Quote:
        return _at_quote(order, event)
    if event.__class__ is Bar:
        if event.complete and event.event_time >= resting.since:
            return _in_bar(order, event)
        return _at_print(order, event.close, better=resting.crosses)
    return None


def crosses(order: Order, last: float | None) -> bool:
    """Return True for a limit order that could trade at the last price."""
    limit = order.limit_price
    return limit is not None and last is not None and (last <= limit if order.side is OrderSide.BUY else last >= limit)


def _at_print(order: Order, price: float, *, better: bool) -> float | None:
    if order.order_type is OrderType.MARKET:
        return price
    buys = order.side is OrderSide.BUY
    if order.order_type is OrderType.LIMIT:
        limit = _own(order.limit_price)
        if not (price <= limit if buys else price >= limit):
            return None
        return price if better else limit
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
