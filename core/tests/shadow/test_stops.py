"""Stop, stop-limit and trailing-stop orders, against plain models that walk the path of the price point by point."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ml4t.live.model import Bar, Order, OrderSide, OrderType, Quote, Trade
from ml4t.live.shadow.matching import meet
from ml4t.live.shadow.resting import Resting, recalled

SIDES = st.sampled_from([OrderSide.BUY, OrderSide.SELL])
ticks = st.integers(90, 110)


def stop_limit(side, stop, limit):
    return Resting(Order("o", "A", side, 1.0, OrderType.STOP_LIMIT, limit_price=float(limit), stop_price=float(stop)))


def trailing(side, trail, best=None):
    order = Order("o", "A", side, 1.0, OrderType.TRAILING_STOP, trail_amount=float(trail))
    return Resting(order, best=None if best is None else float(best))


def bar_of(corners):
    return Bar("A", 10, float(corners[0]), float(max(corners)), float(min(corners)), float(corners[-1]), 1.0, 5)


def walk(corners):
    """Every tick on the way from corner to corner."""
    path = [corners[0]]
    for corner in corners[1:]:
        step = 1 if corner > path[-1] else -1
        path += range(path[-1] + step, corner + step, step) if corner != path[-1] else []
    return path


def follow(resting, events):
    """Feed events until one fills; return its index and the price."""
    for index, event in enumerate(events):
        resting, price = meet(resting, event)
        if price is not None:
            return index, price
    return None


@given(SIDES, st.integers(1, 8), ticks, st.lists(ticks, max_size=40))
def test_a_trailing_stop_follows_the_best_of_the_prints(side, trail, start, prices):
    seen, expected = [start], None
    for index, price in enumerate(prices):
        best = max(seen) if side is OrderSide.SELL else min(seen)
        if (best - price if side is OrderSide.SELL else price - best) >= trail:
            expected = (index, float(price))
            break
        seen.append(price)
    assert follow(trailing(side, trail, start), [Trade("A", 1, float(p), 1.0) for p in prices]) == expected


@given(SIDES, st.integers(1, 8), st.none() | ticks, st.lists(st.tuples(ticks, ticks, ticks, ticks), max_size=6))
@example(OrderSide.SELL, 5, 100, [(100, 110, 98, 105)])
def test_a_trailing_stop_in_bars_is_one_on_the_path_that_threatens_it_first(side, trail, start, bars):
    """Open, the extreme against it, the other, close; tick by tick, with an open that may gap."""
    sell = side is OrderSide.SELL
    best, expected = start, None
    for index, corners in enumerate(bars):
        low, high = min(corners), max(corners)
        path = walk([corners[0], low, high, corners[-1]] if sell else [corners[0], high, low, corners[-1]])
        for price in path:
            best = price if best is None else best
            if (best - price if sell else price - best) >= trail:
                expected = (index, float(price))
                break
            best = max(best, price) if sell else min(best, price)
        if expected:
            break
    assert follow(trailing(side, trail, start), [bar_of(c) for c in bars]) == expected


def test_a_trailing_stop_on_quotes_looks_at_the_side_it_would_trade_at():
    quotes = [
        Quote("A", 1, 100.0, 101.0, 1.0, 1.0),
        Quote("A", 2, 104.0, 109.0, 1.0, 1.0),
        Quote("A", 3, 101.0, 102.0, 1.0, 1.0),
    ]
    assert follow(trailing(OrderSide.SELL, 3), quotes) == (2, 101.0)
    assert follow(trailing(OrderSide.BUY, 8), quotes) == (1, 109.0)


@given(SIDES, ticks, ticks, st.lists(ticks, max_size=40))
def test_a_stop_limit_on_prints_is_a_limit_order_from_the_stop_on(side, stop, limit, prices):
    buys, triggered, expected = side is OrderSide.BUY, False, None
    for index, price in enumerate(prices):
        fresh = not triggered and (price >= stop if buys else price <= stop)
        if (triggered or fresh) and (price <= limit if buys else price >= limit):
            expected = (index, float(price if fresh else limit))
            break
        triggered = triggered or fresh
    assert follow(stop_limit(side, stop, limit), [Trade("A", 1, float(p), 1.0) for p in prices]) == expected


def paths(corners):
    """Both ways through a bar."""
    low, high = min(corners), max(corners)
    return [walk([corners[0], a, b, corners[-1]]) for a, b in ((low, high), (high, low))]


def on_path(path, side, stop, limit):
    """The price at which a stop-limit order trades on a path, None when it does not."""
    buys, triggered = side is OrderSide.BUY, False
    for price in path:
        triggered = triggered or (price >= stop if buys else price <= stop)
        if triggered and (price <= limit if buys else price >= limit):
            return float(price)
    return None


@given(SIDES, ticks, ticks, st.tuples(ticks, ticks, ticks, ticks))
def test_a_stop_limit_in_a_bar_trades_only_where_every_path_would_have(side, stop, limit, corners):
    after, price = meet(stop_limit(side, stop, limit), bar_of(corners))
    both = [on_path(path, side, stop, limit) for path in paths(corners)]
    if price is None:
        assert None in both, "it could not have been missed"
    else:
        assert None not in both, "it could have been missed"
        assert (price - limit) * side.sign <= 0
    reached = max(corners) >= stop if side is OrderSide.BUY else min(corners) <= stop
    assert after.triggered is reached


STOP_LIMITS_IN_BARS = [
    ("through the stop, within the limit", "buy", 102, 104, (100, 106, 99, 105), 102.0),
    ("opened beyond the stop, within the limit", "buy", 102, 104, (103, 106, 101, 105), 103.0),
    ("opened beyond the limit, came back", "buy", 102, 104, (106, 107, 103, 105), 104.0),
    ("opened beyond the limit, stayed there", "buy", 102, 104, (106, 107, 105, 106), None),
    ("limit below the stop, the low may have been before", "buy", 102, 100, (101, 103, 99, 101), None),
    ("limit below the stop, the close came after", "buy", 102, 100, (101, 103, 98, 99), 100.0),
    ("not reached", "buy", 108, 109, (101, 103, 99, 101), None),
    ("a sell", "sell", 98, 97, (100, 101, 96, 99), 98.0),
    ("a sell that gapped and came back", "sell", 98, 97, (95, 99, 94, 98), 97.0),
]


@pytest.mark.parametrize(("_", "side", "stop", "limit", "prices", "expected"), STOP_LIMITS_IN_BARS)
def test_a_stop_limit_in_a_bar(_, side, stop, limit, prices, expected):
    opens, high, low, close = map(float, prices)
    event = Bar("A", 10, opens, high, low, close, 1.0, 5)
    assert meet(stop_limit(OrderSide(side), stop, limit), event)[1] == expected


def test_a_stop_limit_that_was_reached_rests_as_a_limit_order(exchange):
    order = exchange.broker.submit_order("A", 5, order_type="stop_limit", stop_price=103.0, limit_price=104.0)
    exchange.trade(102.0, 1)
    exchange.trade(106.0, 2)
    assert exchange.state(order).is_open
    exchange.trade(99.0, 3)
    assert exchange.state(order).average_price == 104.0
    exchange.agree()


def test_a_trailing_stop_starts_from_the_last_price_when_it_came(exchange):
    exchange.broker.submit_order("A", 10)
    exchange.trade(100.0, 1)
    stop = exchange.broker.submit_order("A", -10, order_type="trailing_stop", trail_amount=4.0)
    exchange.trade(97.0, 2)
    assert exchange.state(stop).is_open
    exchange.trade(107.0, 3)
    exchange.trade(104.0, 4)
    assert exchange.state(stop).is_open
    exchange.trade(102.5, 5)
    assert exchange.state(stop).average_price == 102.5
    assert exchange.broker.positions == {}
    exchange.agree()


@pytest.mark.parametrize("noted", [True, False])
def test_after_a_restart_stops_go_on_from_what_was_noted(make, noted):
    before = make()
    before.broker.submit_order("A", 10)
    before.trade(100.0, 1)
    trail = before.broker.submit_order("A", -4, order_type="trailing_stop", trail_amount=5.0)
    reached = before.broker.submit_order("A", 4, order_type="stop_limit", stop_price=108.0, limit_price=104.0)
    before.trade(110.0, 2)
    notes = dict(before.venue.unsaved)
    assert notes == {
        trail.order_id: {"best": 110.0, "triggered": False},
        reached.order_id: {"best": None, "triggered": True},
    }

    after = make()
    positions, cash, orders = before.desk.portfolio.positions, before.desk.portfolio.cash, before.orders.open_orders
    after.desk.portfolio.restore(cash, positions)
    after.desk.desk.restore(orders, [], [])
    after.venue.restore(cash, positions, orders, notes={**notes, "gone": {"best": 1.0}} if noted else {})
    after.agree()
    after.trade(104.0, 3)
    if noted:
        assert after.venue.unsaved["gone"] is None
        assert (after.state(trail).average_price, after.state(reached).average_price) == (104.0, 104.0)
        assert after.venue.unsaved[trail.order_id] is None
    else:
        assert after.state(trail).is_open, "it trails from the first price it meets"
        after.trade(99.0, 4)
        assert after.state(trail).average_price == 99.0
    after.agree()


def test_a_stop_of_which_a_part_has_traded_was_reached():
    order = Order("o", "A", OrderSide.BUY, 5.0, OrderType.STOP, stop_price=100.0, filled_quantity=2.0)
    assert recalled(order, None, 1).triggered
    assert recalled(order, {"best": None, "triggered": False}, 1).executions == 1
    assert not recalled(order.changed(filled_quantity=0.0), None, 0).triggered
