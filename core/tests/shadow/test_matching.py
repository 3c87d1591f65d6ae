"""At what price an order trades with a trade, a quote and a bar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.model import Bar, Funding, Order, OrderSide, OrderType, Quote, Trade
from ml4t.live.shadow.matching import crosses, meet
from ml4t.live.shadow.resting import Resting


def fill_price(resting, event):
    return meet(resting, event)[1]


def order(kind, side, price=None):
    limit, stop = (price, None) if kind == "limit" else (None, price)
    return Order("o", "A", OrderSide(side), 1.0, OrderType(kind), limit_price=limit, stop_price=stop)


def trade(price):
    return Trade("A", 10, price, 1.0)


def quote(bid, ask):
    return Quote("A", 10, bid, ask, 1.0, 1.0)


def bar(opens, high, low, close, *, start=10, complete=True):
    return Bar("A", start, opens, high, low, close, 1.0, 5, complete)


CASES = [
    ("market", "buy", None, trade(100.0), 100.0),
    ("market", "sell", None, trade(100.0), 100.0),
    ("market", "buy", None, quote(99.0, 101.0), 101.0),
    ("market", "sell", None, quote(99.0, 101.0), 99.0),
    ("market", "buy", None, bar(100.0, 110.0, 90.0, 105.0), 100.0),
    ("market", "buy", None, bar(100.0, 110.0, 90.0, 105.0, complete=False), 105.0),
    ("limit", "buy", 99.0, trade(99.01), None),
    ("limit", "buy", 99.0, trade(99.0), 99.0),
    ("limit", "buy", 99.0, trade(95.0), 99.0),
    ("limit", "sell", 101.0, trade(100.99), None),
    ("limit", "sell", 101.0, trade(103.0), 101.0),
    ("limit", "buy", 101.0, quote(99.0, 101.5), None),
    ("limit", "buy", 101.0, quote(99.0, 100.5), 100.5),
    ("limit", "sell", 99.0, quote(98.5, 100.0), None),
    ("limit", "sell", 99.0, quote(99.5, 100.0), 99.5),
    ("limit", "buy", 95.0, bar(100.0, 110.0, 95.0, 105.0), 95.0),
    ("limit", "buy", 94.0, bar(100.0, 110.0, 95.0, 105.0), None),
    ("limit", "buy", 95.0, bar(92.0, 96.0, 90.0, 91.0), 92.0),
    ("limit", "sell", 105.0, bar(100.0, 105.0, 95.0, 99.0), 105.0),
    ("limit", "sell", 105.0, bar(108.0, 109.0, 100.0, 101.0), 108.0),
    ("limit", "sell", 112.0, bar(108.0, 109.0, 100.0, 101.0), None),
    ("stop", "buy", 101.0, trade(100.9), None),
    ("stop", "buy", 101.0, trade(103.0), 103.0),
    ("stop", "sell", 99.0, trade(99.0), 99.0),
    ("stop", "sell", 99.0, trade(97.0), 97.0),
    ("stop", "buy", 101.0, quote(100.0, 101.2), 101.2),
    ("stop", "sell", 99.0, quote(98.8, 99.5), 98.8),
    ("stop", "sell", 99.0, quote(99.1, 99.5), None),
    ("stop", "buy", 105.0, bar(100.0, 110.0, 95.0, 99.0), 105.0),
    ("stop", "buy", 105.0, bar(107.0, 110.0, 106.0, 108.0), 107.0),
    ("stop", "sell", 95.0, bar(100.0, 110.0, 94.0, 99.0), 95.0),
    ("stop", "sell", 95.0, bar(91.0, 94.0, 90.0, 92.0), 91.0),
    ("stop", "sell", 89.0, bar(91.0, 94.0, 90.0, 92.0), None),
    ("market", "buy", None, Funding("A", 10, 0.1), None),
]


@pytest.mark.parametrize(("kind", "side", "own", "event", "price"), CASES)
def test_prices(kind, side, own, event, price):
    assert fill_price(Resting(order(kind, side, own)), event) == price


@pytest.mark.parametrize(
    ("side", "own", "last", "event", "price"),
    [
        ("buy", 105.0, 100.0, trade(101.0), 101.0),
        ("sell", 95.0, 100.0, trade(99.0), 99.0),
        ("buy", 105.0, 100.0, trade(106.0), None),
        ("buy", 105.0, 100.0, bar(90.0, 110.0, 90.0, 101.0, complete=False), 101.0),
    ],
)
def test_a_limit_order_that_crosses_takes_what_comes_first(side, own, last, event, price):
    limit = order("limit", side, own)
    assert crosses(limit, last)
    assert fill_price(Resting(limit, crosses=True), event) == price


def test_crossing():
    assert not crosses(order("limit", "buy", 99.0), 100.0)
    assert not crosses(order("limit", "sell", 101.0), 100.0)
    assert crosses(order("limit", "sell", 100.0), 100.0)
    assert not crosses(order("limit", "buy", 99.0), None)
    assert not crosses(order("market", "buy"), 100.0)


def test_a_bar_that_began_before_the_order_is_entered_at_its_close():
    """Its open is a price from before the decision."""
    whole = bar(90.0, 110.0, 80.0, 105.0, start=10)
    assert fill_price(Resting(order("market", "buy"), since=11), whole) == 105.0
    assert fill_price(Resting(order("limit", "buy", 85.0), since=11), whole) is None
    assert fill_price(Resting(order("market", "buy"), since=10), whole) == 90.0


def test_an_order_without_its_price_is_a_fault_upstream():
    with pytest.raises(ValueError, match="the desk refuses those"):
        fill_price(Resting(order("limit", "buy")), trade(1.0))


bars = st.tuples(*[st.floats(50, 150)] * 4).map(lambda p: bar(p[0], max(p), min(p), p[3]))


@given(st.sampled_from(["limit", "stop"]), st.sampled_from(["buy", "sell"]), st.floats(50, 150), bars)
def test_in_a_bar_nothing_trades_outside_its_range_and_no_limit_is_overpaid(kind, side, own, event):
    price = fill_price(Resting(order(kind, side, own)), event)
    sign = OrderSide(side).sign
    if price is None:
        touched = event.low if (kind == "limit") is (side == "buy") else event.high
        assert (own - touched) * sign * (1 if kind == "limit" else -1) < 0
        return
    assert event.low <= price <= event.high
    if kind == "limit":
        assert price * sign <= own * sign
    else:
        assert price * sign >= own * sign
