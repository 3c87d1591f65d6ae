"""At what price a resting order would have traded against one market event, and what it learns from the event."""

from __future__ import annotations

from attrs import evolve

from ml4t.live.model import Bar, MarketEvent, Order, OrderSide, OrderType, Quote, Trade
from ml4t.live.shadow.resting import Resting

TAKERS = frozenset({OrderType.MARKET, OrderType.STOP, OrderType.TRAILING_STOP, OrderType.MOC})
"""Orders that take what is there, and so pay slippage."""

Met = tuple[Resting, float | None]
"""The order after an event, and the price at which it trades with it; None when it does not."""


def meet(resting: Resting, event: MarketEvent) -> Met:
    """Return the order after an event that came after it, and the price at which the two trade.

    A bar is entered at its open: a limit order gets the open when that is better than its limit, a stop the open when the
    market gapped through it. A bar that began before the order came, or that still runs, counts as a print of its close.

    Within a bar nobody knows which extreme came first. A stop limit that its open triggers has the rest of the bar to
    trade; one that is triggered inside trades at the stop when that is within its limit, and otherwise only if the close,
    the one price that surely came later, is. For a trailing stop the bar walks from its open to the extreme that
    threatens it, to the other one, and to its close.

    A market-on-close order trades at the close of the first whole bar that ends after the order was made, and with
    nothing else: a bar that was running when the order came is such a bar, a late or corrected one is not.
    """
    kind = event.__class__
    if kind is Trade:
        return _at(resting, event.price, better=resting.crosses)  # type: ignore[union-attr]
    if kind is Quote:
        price = event.ask if resting.order.side is OrderSide.BUY else event.bid  # type: ignore[union-attr]
        return _at(resting, price, better=True)
    if kind is Bar:
        return _with_bar(resting, event)  # type: ignore[arg-type]
    return resting, None


def is_offered(resting: Resting, event: MarketEvent) -> bool:
    """Return True when the order could trade with an event of this kind: what an IOC or FOK order is given, once."""
    if resting.order.order_type is OrderType.MOC:
        return event.__class__ is Bar and _closes(resting, event)
    return event.__class__ in {Trade, Quote, Bar}


def crosses(order: Order, last: float | None) -> bool:
    """Return True for a limit order that could trade at the last price."""
    return order.order_type is OrderType.LIMIT and last is not None and _within(order, last)


def _with_bar(resting: Resting, bar: Bar) -> Met:
    kind = resting.order.order_type
    if kind is OrderType.MOC:
        return resting, bar.close if _closes(resting, bar) else None
    if not bar.complete or bar.event_time < resting.since:
        return _at(resting, bar.close, better=resting.crosses)
    if resting.takes_any_price:
        return resting, bar.open
    if kind is OrderType.LIMIT or resting.triggered:
        return _limit_in_bar(resting, bar)
    return _trail_in_bar(resting, bar) if kind is OrderType.TRAILING_STOP else _stop_in_bar(resting, bar)


def _closes(resting: Resting, bar: Bar) -> bool:
    return bar.complete and bar.end_time > max(resting.since, resting.order.created_at)


def _at(resting: Resting, price: float, *, better: bool) -> Met:
    """Meet one price. A limit order that was in the book first trades at its limit, unless it gets the `better` price."""
    order = resting.order
    kind = order.order_type
    if resting.takes_any_price:
        return resting, price
    if kind is OrderType.LIMIT or resting.triggered:
        if _within(order, price):
            return resting, price if better else _own(order.limit_price)
        return _waiting(resting), None
    return (resting, None) if kind is OrderType.MOC else _stop_at(resting, price)


def _stop_at(resting: Resting, price: float) -> Met:
    order = resting.order
    trails = order.order_type is OrderType.TRAILING_STOP
    if trails and resting.best is None:
        return evolve(resting, best=price), None
    if not _reaches(order, price, _trailed(order, resting.best) if trails else _own(order.stop_price)):
        return _with_best(resting, _better(order, resting.best, price)) if trails else resting, None
    wanted = order.order_type is not OrderType.STOP_LIMIT or _within(order, price)
    return evolve(resting, triggered=True), price if wanted else None


def _limit_in_bar(resting: Resting, bar: Bar) -> Met:
    order = resting.order
    if _within(order, bar.open):
        return resting, bar.open
    if _within(order, _favourable(order, bar)):
        return resting, _own(order.limit_price)
    return _waiting(resting), None


def _stop_in_bar(resting: Resting, bar: Bar) -> Met:
    order = resting.order
    stop = _own(order.stop_price)
    if not _reaches(order, _threatening(order, bar), stop):
        return resting, None
    gapped = _reaches(order, bar.open, stop)
    entry = bar.open if gapped else stop
    triggered = evolve(resting, triggered=True)
    if order.order_type is OrderType.STOP or _within(order, entry):
        return triggered, entry
    later = _favourable(order, bar) if gapped else bar.close
    return triggered, order.limit_price if _within(order, later) else None


def _trail_in_bar(resting: Resting, bar: Bar) -> Met:
    order = resting.order
    best = bar.open if resting.best is None else resting.best
    if _reaches(order, bar.open, _trailed(order, best)):
        return evolve(resting, best=best, triggered=True), bar.open
    for turn, then in ((bar.open, _threatening(order, bar)), (_favourable(order, bar), bar.close)):
        best = _better(order, best, turn)
        stop = _trailed(order, best)
        if _reaches(order, then, stop):
            return evolve(resting, best=best, triggered=True), stop
    return _with_best(resting, best), None


def _waiting(resting: Resting) -> Resting:
    """Return an order that did not cross after all: it waits in the book like any other."""
    return evolve(resting, crosses=False) if resting.crosses else resting


def _with_best(resting: Resting, best: float) -> Resting:
    return resting if best == resting.best else evolve(resting, best=best)


def _within(order: Order, price: float) -> bool:
    limit = _own(order.limit_price)
    return price <= limit if order.side is OrderSide.BUY else price >= limit


def _reaches(order: Order, price: float, stop: float) -> bool:
    return price >= stop if order.side is OrderSide.BUY else price <= stop


def _trailed(order: Order, best: float | None) -> float:
    return _own(best) + order.side.sign * _own(order.trail_amount)


def _better(order: Order, best: float | None, price: float) -> float:
    if best is None:
        return price
    return min(best, price) if order.side is OrderSide.BUY else max(best, price)


def _threatening(order: Order, bar: Bar) -> float:
    return bar.high if order.side is OrderSide.BUY else bar.low


def _favourable(order: Order, bar: Bar) -> float:
    return bar.low if order.side is OrderSide.BUY else bar.high


def _own(price: float | None) -> float:
    if price is None:
        raise ValueError("an order without the price of its type reached the venue; the desk refuses those")
    return price
