"""What a strategy writes becomes an order, or a refusal that leaves no trace in any counter."""

from __future__ import annotations

import enum
import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.model import OrderSide, OrderState, OrderType, TimeInForce
from ml4t.live.orders.request import INVALID, make_order, quantity_of, size_problem


class Other(enum.Enum):
    """Another library's words."""

    BUY = "buy"
    SELL = "SELL"
    MARKET = "market"
    STOP_LIMIT = "STOP_LIMIT"
    GTC = "gtc"


class Numbered(enum.Enum):
    SELL = 2
    LIMIT = 7
    DAY = 1
    MARKET_ON_CLOSE = 9


class Index(int):
    """A number that is not exactly an int, as numpy's are not."""


def make(quantity=10, side=None, kind="market", **rest):
    given = {"limit_price": None, "stop_price": None, "trail_amount": None, "time_in_force": "gtc", "symbol": "AAPL", **rest}
    symbol = given.pop("symbol")
    return make_order("o1", symbol, quantity, side, kind, created_at=5, strategy="s", cause="because", **given)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"quantity": math.nan}, "nan is not a finite number"),
        ({"quantity": math.inf}, "inf is not a finite number"),
        ({"quantity": -math.inf}, "-inf is not a finite number"),
        ({"quantity": 10**400}, "not a finite number"),
        ({"quantity": Decimal("NaN")}, "not a finite number"),
        ({"quantity": 0}, "quantity is zero"),
        ({"quantity": -0.0}, "quantity is zero"),
        ({"quantity": True}, "True is not a finite number"),
        ({"quantity": False}, "False is not a finite number"),
        ({"quantity": "10"}, "'10' is not a finite number"),
        ({"quantity": None}, "None is not a finite number"),
        ({"quantity": 1j}, "not a finite number"),
        ({"quantity": [1]}, "not a finite number"),
        ({"quantity": -5, "side": "buy"}, "negative although the side is given"),
        ({"quantity": -5, "side": OrderSide.SELL}, "negative although the side is given"),
        ({"side": "long"}, "neither 'buy' nor 'sell'"),
        ({"side": ""}, "neither 'buy' nor 'sell'"),
        ({"side": True}, "neither 'buy' nor 'sell'"),
        ({"side": 1}, "neither 'buy' nor 'sell'"),
        ({"kind": "peg"}, "order type 'peg' is none of market, limit"),
        ({"kind": None}, "order type None is none of"),
        ({"time_in_force": "forever"}, "time in force 'forever' is none of day, gtc"),
        ({"symbol": ""}, "'' is not a symbol"),
        ({"symbol": None}, "None is not a symbol"),
        ({"symbol": ["A"]}, "['A'] is not a symbol"),
        ({"limit_price": 5.0}, "a market order takes no limit_price"),
        ({"stop_price": 5.0}, "a market order takes no stop_price"),
        ({"trail_amount": 5.0}, "a market order takes no trail_amount"),
        ({"kind": "limit"}, "a limit order needs limit_price"),
        ({"kind": "limit", "limit_price": 5.0, "stop_price": 4.0}, "a limit order takes no stop_price"),
        ({"kind": "stop", "limit_price": 5.0}, "a stop order takes no limit_price"),
        ({"kind": "stop"}, "a stop order needs stop_price"),
        ({"kind": "stop_limit", "limit_price": 5.0}, "a stop_limit order needs stop_price"),
        ({"kind": "trailing_stop"}, "a trailing_stop order needs trail_amount"),
        ({"kind": "market_on_close", "limit_price": 5.0}, "a market_on_close order takes no limit_price"),
        *[
            ({"kind": kind, name: bad}, f"{name} {bad!r} is not a positive number")
            for kind, name in (("limit", "limit_price"), ("stop", "stop_price"), ("trailing_stop", "trail_amount"))
            for bad in (math.nan, math.inf, 0, -1.0, True, "5")
        ],
        ({"limit_price": math.nan}, "limit_price nan is not a positive number"),
    ],
    ids=repr,
)
def test_what_makes_no_sense_is_refused_with_the_reason(request_, words, room):
    order = make(**request_)
    assert (order.state, order.code) == (OrderState.REJECTED, INVALID)
    assert words in order.reason
    assert all(math.isfinite(n) for n in (order.quantity, order.limit_price or 0, order.stop_price or 0))
    assert isinstance(order.symbol, str)

    desk = room(max_orders_per_minute=1, dedup_window_seconds=60, max_open_orders=1)
    refused = desk.desk.submit(order)
    assert (refused.state, refused.code, refused.verdict.check) == (OrderState.REJECTED, INVALID, "request")
    assert desk.orders.submitted_since(-1) == desk.orders.open_count == 0
    assert desk.orders.working("AAPL") == (0.0, 0.0)
    assert desk.wire.sent == []
    assert [kind.value for kind, *_ in desk.tape.lines] == ["verdict", "order"]
    desk.price("AAPL", 100.0)
    assert desk.broker.submit_order("AAPL", 10).state is OrderState.SENT


@pytest.mark.parametrize("side", ["buy", "BUY", OrderSide.BUY, Other.BUY, None], ids=repr)
def test_buying(side):
    order = make(10, side)
    assert (order.state, order.side, order.quantity, order.reason) == (OrderState.NEW, OrderSide.BUY, 10.0, "")


@pytest.mark.parametrize(("quantity", "side"), [(-3, None), (3, "sell"), (3, "Sell"), (3, Other.SELL), (3, Numbered.SELL)])
def test_selling(quantity, side):
    order = make(quantity, side)
    assert (order.state, order.side, order.quantity) == (OrderState.NEW, OrderSide.SELL, 3.0)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("MARKET", OrderType.MARKET),
        (Other.MARKET, OrderType.MARKET),
        (Other.STOP_LIMIT, OrderType.STOP_LIMIT),
        (Numbered.LIMIT, OrderType.LIMIT),
        ("moc", OrderType.MOC),
        (Numbered.MARKET_ON_CLOSE, OrderType.MOC),
    ],
)
def test_the_types_of_other_libraries_are_understood(given, kind):
    prices = {
        "limit_price": 5.0 if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
        "stop_price": 6 if kind is OrderType.STOP_LIMIT else None,
    }
    order = make(kind=given, **prices)
    assert (order.reason, order.order_type) == ("", kind)


@pytest.mark.parametrize("tif", ["day", "DAY", TimeInForce.DAY, Numbered.DAY], ids=repr)
def test_times_in_force(tif):
    assert make(time_in_force=tif).time_in_force is TimeInForce.DAY


@pytest.mark.parametrize("number", [Index(2), Decimal(2), Fraction(2), 2, 2.0], ids=repr)
def test_numbers_of_any_kind_become_plain_floats(number):
    order = make(number, kind="limit", limit_price=number)
    assert order.state is OrderState.NEW
    assert [type(n) for n in (order.quantity, order.limit_price)] == [float, float]
    assert (order.quantity, order.limit_price) == (2.0, 2.0)


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.sampled_from(["buy", "sell", *OrderType, *Other, *Numbered]),
)


@given(*[anything] * 8)
def test_nothing_that_is_written_raises_and_every_order_makes_sense(symbol, quantity, side, kind, limit, stop, trail, tif):
    prices = {"limit_price": limit, "stop_price": stop, "trail_amount": trail}
    order = make(quantity, side, kind, symbol=symbol, time_in_force=tif, **prices)
    if order.state is OrderState.NEW:
        assert order.symbol
        assert 0 < order.quantity < math.inf
        assert all(price is None or 0 < price < math.inf for price in (order.limit_price, order.stop_price, order.trail_amount))
    else:
        assert (order.state, order.code) == (OrderState.REJECTED, INVALID)
        assert order.reason


@given(anything, st.one_of(st.none(), st.floats(min_value=0.0)), st.booleans())
def test_money_never_buys_more_than_it_is_worth_and_nothing_raises(notional, price, fractional):
    quantity = quantity_of(notional, price, fractional=fractional)
    assert not math.isinf(quantity)
    if math.isfinite(quantity):
        assert abs(Fraction(quantity) * Fraction(price)) <= abs(Fraction(float(notional))) * (1 + Fraction(1, 2**52))
        assert quantity == 0.0 or (quantity > 0) == (notional > 0)
        assert fractional or quantity % 1 == 0


@pytest.mark.parametrize(
    ("notional", "price", "fractional", "quantity"),
    [(500.0, 150.0, True, 3.333333333), (500.0, 150.0, False, 3.0), (-500.0, 150.0, False, -3.0), (0.3, 0.1, True, 3.0)],
)
def test_money_becomes_units_rounded_towards_zero(notional, price, fractional, quantity):
    assert quantity_of(notional, price, fractional=fractional) == quantity


@pytest.mark.parametrize(
    ("quantity", "notional", "price", "words"),
    [
        (None, None, 1.0, "give one of them"),
        (1.0, 5.0, 1.0, "both given"),
        (None, math.nan, 1.0, "notional nan is not a finite number"),
        (None, 5.0, None, "there is no price of A yet"),
        (1.0, None, None, ""),
    ],
)
def test_what_is_wrong_with_a_size_is_said(quantity, notional, price, words):
    said = size_problem("A", quantity, notional, price)
    assert words in said if words else said == ""
