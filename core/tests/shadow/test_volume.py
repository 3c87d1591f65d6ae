"""Partial fills: never more of an event than its share, never more than the order, and the rest rests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.model import Funding, OrderSide, OrderState, Quote
from ml4t.live.shadow.commission import FixedCommission
from ml4t.live.shadow.costs import Costs
from ml4t.live.shadow.volume import Volume, volume_of

S = OrderState


def fills(exchange):
    return [(fill.execution_id.rpartition("-")[2], fill.quantity, fill.price) for fill in exchange.desk.tape.bodies("fill")]


def test_an_order_is_filled_as_volume_comes(make):
    exchange = make(max_volume_share=0.1, costs=Costs(FixedCommission(2.0)))
    order = exchange.broker.submit_order("A", 25)
    exchange.trade(101.0, 1, size=100.0)
    assert (exchange.state(order).state, exchange.state(order).remaining) == (S.PARTIALLY_FILLED, 15.0)
    exchange.trade(102.0, 2, size=0.0)
    exchange.bar(102.0, 103.0, 101.0, 102.5, 60, complete=False, volume=1_000.0)
    exchange.quote(102.0, 104.0, 121, sizes=(500.0, 120.0))
    exchange.trade(105.0, 122, size=1_000.0)
    assert fills(exchange) == [("1", 10.0, 101.0), ("2", 12.0, 104.0), ("3", 3.0, 105.0)]
    assert exchange.state(order).state is S.FILLED
    assert exchange.state(order).commission == 2.0
    exchange.agree()


def test_the_orders_of_one_event_share_its_volume_oldest_first(make):
    exchange = make(max_volume_share=0.5)
    first, second, third = (exchange.broker.submit_order("A", quantity) for quantity in (6, -7, 1))
    exchange.trade(100.0, 1, size=20.0)
    assert [exchange.state(o).filled_quantity for o in (first, second, third)] == [6.0, 4.0, 0.0]
    exchange.quote(99.0, 101.0, 2, sizes=(4.0, 2.0))
    assert [exchange.state(o).filled_quantity for o in (first, second, third)] == [6.0, 6.0, 1.0]
    exchange.agree()


@pytest.mark.parametrize(("time_in_force", "filled", "state"), [("ioc", 10.0, S.CANCELLED), ("fok", 0.0, S.CANCELLED)])
def test_at_once_with_too_little_volume(make, time_in_force, filled, state):
    exchange = make(max_volume_share=0.1)
    order = exchange.broker.submit_order("A", 25, time_in_force=time_in_force)
    next_in_line = exchange.broker.submit_order("A", 5)
    exchange.trade(100.0, 1, size=100.0)
    after = exchange.state(order)
    assert (after.filled_quantity, after.state, after.code) == (filled, state, "not_at_once")
    assert exchange.state(next_in_line).filled_quantity == (0.0 if filled else 5.0)
    exchange.agree()


def test_a_stop_that_was_reached_buys_the_rest_at_the_market(make):
    exchange = make(max_volume_share=0.1)
    stop = exchange.broker.submit_order("A", 20, order_type="stop", stop_price=105.0)
    trail = exchange.broker.submit_order("B", -20, order_type="trailing_stop", trail_amount=5.0)
    for symbol, away, back in (("A", 106.0, 99.0), ("B", 94.0, 99.0)):
        exchange.trade(away, 1, symbol, size=0.0)
        exchange.trade(back, 2, symbol, size=100.0)
        exchange.trade(back, 3, symbol, size=100.0)
    assert exchange.state(stop).average_price == exchange.state(trail).average_price == 99.0
    exchange.agree()


def test_what_cannot_be_afforded_ends_and_what_has_traded_stands(make):
    exchange = make(max_volume_share=1.0)
    order = exchange.broker.submit_order("A", 1_500)
    exchange.trade(100.0, 1, size=900.0)
    exchange.trade(100.0, 2, size=900.0)
    after = exchange.state(order)
    assert (after.state, after.code, after.filled_quantity) == (S.CANCELLED, "insufficient_buying_power", 900.0)
    exchange.agree()


def test_after_a_restart_executions_are_numbered_on(make):
    before = make(max_volume_share=0.1, costs=Costs(FixedCommission(2.0)))
    order = before.broker.submit_order("A", 25)
    before.trade(100.0, 1, size=100.0)
    fill = before.desk.tape.bodies("fill")[0]

    after = make(max_volume_share=0.1, costs=Costs(FixedCommission(2.0)))
    positions, cash, orders = before.desk.portfolio.positions, before.desk.portfolio.cash, before.orders.open_orders
    after.desk.portfolio.restore(cash, positions)
    after.desk.desk.restore(orders, [], [fill])
    after.venue.restore(cash, positions, orders, executions={order.order_id: 1})
    after.trade(101.0, 2, size=1_000.0)
    assert fills(after) == [("2", 15.0, 101.0)]
    assert (after.state(order).state, after.state(order).commission) == (S.FILLED, 2.0)
    after.agree()


@settings(max_examples=100, deadline=None)
@given(st.floats(0.01, 500), st.floats(0.01, 1), st.lists(st.tuples(st.floats(90, 110), st.floats(0, 400)), max_size=25))
def test_a_market_order_takes_its_share_of_every_print(room_with, quantity, share, prints):
    exchange = room_with(max_volume_share=share)
    order = exchange.broker.submit_order("A", quantity)
    left, paid = quantity, 0.0
    for second, (price, size) in enumerate(prints, 1):
        exchange.trade(price, second, size=size)
        part = min(left, share * size)
        left, paid = left - part, paid + part * price
    after = exchange.state(order)
    assert after.remaining == pytest.approx(left, abs=quantity * 1e-6)
    assert 100_000.0 - exchange.broker.get_cash() == pytest.approx(paid, abs=quantity * 1e-3)
    sizes = [size for _, size in prints if share * size > quantity * 1e-9]
    for fill, size in zip(exchange.desk.tape.bodies("fill"), sizes, strict=False):
        assert fill.quantity <= share * size * (1 + 1e-6) + quantity * 1e-9
    exchange.agree()


def test_volume_without_a_limit_and_of_what_has_none():
    funding = Funding("A", 1, 0.1)
    assert Volume(funding, None).offer(OrderSide.BUY, 5.0, 5.0) == 5.0
    assert Volume(funding, 1.0).offer(OrderSide.BUY, 5.0, 5.0) == 0.0
    assert volume_of(Quote("A", 1, 1.0, 2.0, 3.0, 4.0), OrderSide.SELL) == 3.0
