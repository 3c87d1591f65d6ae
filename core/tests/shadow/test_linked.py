"""Brackets and pairs at the shadow venue: exits close what the entry opened, once, and nothing is left behind."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.model import OrderState

S = OrderState


def states(exchange, orders):
    return [exchange.state(order).state for order in orders]


def test_exits_wait_for_the_entry_and_the_one_that_trades_cancels_the_other(exchange):
    bracket = exchange.broker.submit_bracket("A", 10, 110.0, 90.0, "limit", 95.0)
    exchange.trade(111.0, 1)
    exchange.trade(100.0, 2)
    assert states(exchange, bracket) == [S.WORKING] * 3, "an exit that waits does not trade"
    exchange.trade(94.0, 3)
    assert states(exchange, bracket) == [S.FILLED, S.WORKING, S.WORKING]
    exchange.trade(111.0, 4)
    assert states(exchange, bracket) == [S.FILLED, S.FILLED, S.CANCELLED]
    assert exchange.state(bracket[2]).code == "oco"
    assert exchange.broker.positions == {}
    assert exchange.desk.portfolio.cash == pytest.approx(100_000.0 + 10 * (110.0 - 95.0))
    exchange.agree()


def test_a_short_bracket_ends_its_loss_at_the_stop(exchange):
    bracket = exchange.broker.submit_bracket("A", -10, 90.0, 110.0)
    exchange.trade(100.0, 1)
    exchange.trade(112.0, 2)
    assert states(exchange, bracket) == [S.FILLED, S.CANCELLED, S.FILLED]
    assert exchange.state(bracket[2]).average_price == 112.0
    assert exchange.broker.positions == {}
    exchange.agree()


def test_exits_do_not_trade_with_the_event_that_filled_the_entry(exchange):
    bracket = exchange.broker.submit_bracket("A", 10, 105.0, 95.0)
    exchange.bar(100.0, 110.0, 90.0, 100.0, 60)
    assert states(exchange, bracket) == [S.FILLED, S.WORKING, S.WORKING]
    exchange.agree()


@pytest.mark.parametrize("amended", [False, True])
def test_a_bar_that_reaches_both_exits_trades_at_the_stop(exchange, amended):
    bracket = exchange.broker.submit_bracket("A", 10, 105.0, 95.0)
    exchange.trade(100.0, 1)
    if amended:  # which puts it at the end of the book
        assert exchange.broker.update_order(bracket[2].order_id, stop_price=96.0)
    exchange.bar(100.0, 110.0, 90.0, 100.0, 60)
    assert states(exchange, bracket) == [S.FILLED, S.CANCELLED, S.FILLED]
    assert exchange.state(bracket[2]).average_price == (96.0 if amended else 95.0)
    exchange.agree()


@pytest.mark.parametrize("way", ["cancel", "rejected", "no_bars"])
def test_exits_end_with_an_entry_that_never_traded(make, way):
    exchange = make(500.0)
    kind, price = {"cancel": ("limit", 95.0), "rejected": ("market", None), "no_bars": ("market_on_close", None)}[way]
    bracket = exchange.broker.submit_bracket("A", 10, 110.0, 90.0, kind, price)
    if way == "cancel":
        exchange.broker.cancel_order(bracket[0].order_id)
    exchange.trade(100.0, 1)
    assert states(exchange, bracket) == [S.CANCELLED if way == "cancel" else S.REJECTED, S.CANCELLED, S.CANCELLED]
    assert exchange.state(bracket[1]).code == "parent_ended"
    exchange.agree()


def test_exits_close_what_an_entry_has_traded_in_part(make):
    exchange = make(max_volume_share=0.1)
    bracket = entry, profit, stop = exchange.broker.submit_bracket("A", 10, 110.0, 90.0, "limit", 100.0)
    exchange.trade(100.0, 1, size=40.0)
    exchange.trade(111.0, 2, size=30.0)
    assert [exchange.state(order).filled_quantity for order in bracket] == [4.0, 3.0, 0.0]
    assert exchange.state(stop).quantity == 7.0
    exchange.trade(99.0, 3, size=20.0)
    exchange.broker.cancel_order(entry.order_id)
    assert [exchange.state(order).remaining for order in (profit, stop)] == [3.0, 3.0]
    exchange.trade(80.0, 4, size=1_000.0)
    assert states(exchange, bracket) == [S.CANCELLED, S.CANCELLED, S.FILLED]
    assert exchange.broker.positions == {}
    exchange.agree()


def test_an_exit_that_is_cancelled_leaves_the_other(exchange):
    bracket = exchange.broker.submit_bracket("A", 10, 110.0, 90.0)
    exchange.trade(100.0, 1)
    exchange.broker.cancel_order(bracket[2].order_id)
    exchange.trade(89.0, 2)
    exchange.trade(110.0, 3)
    assert states(exchange, bracket) == [S.FILLED, S.FILLED, S.CANCELLED]
    exchange.agree()


def test_a_pair_closes_a_position_once_in_parts(make):
    exchange = make(max_volume_share=0.1)
    exchange.broker.submit_order("A", 10)
    exchange.trade(100.0, 1, size=100.0)
    limit, stop = exchange.broker.submit_oco("A", 10, 110.0, 90.0, "sell")
    exchange.trade(110.0, 2, size=40.0)
    assert (exchange.state(limit).remaining, exchange.state(stop).remaining) == (6.0, 6.0)
    exchange.trade(90.0, 3, size=1_000.0)
    assert states(exchange, [limit, stop]) == [S.CANCELLED, S.FILLED]
    assert exchange.broker.positions == {}
    exchange.agree()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("print"), st.integers(85, 115), st.integers(1, 200)),
        st.tuples(st.just("bar"), st.integers(85, 115), st.integers(1, 200)),
        st.tuples(st.just("cancel"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("restart"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(st.booleans(), st.booleans(), steps)
def test_whatever_happens_exits_never_close_more_than_was_opened(room_with, long, limited, actions):
    exchange = room_with(max_volume_share=0.1)
    options = ("limit", 100.0) if limited else ()
    exits = (105.0, 95.0) if long else (95.0, 105.0)
    orders = exchange.broker.submit_bracket("A", 10 if long else -10, *exits, *options)
    for second, (what, number, size) in enumerate(actions, 1):
        if what == "print":
            exchange.trade(float(number), second * 60, size=float(size))
        elif what == "bar":
            exchange.bar(100.0, max(100.0, number) + 1, min(100.0, number) - 1, 100.0, second * 60, volume=float(size))
        elif what == "cancel":
            exchange.broker.cancel_order(orders[number].order_id)
        else:
            exchange.restart(max_volume_share=0.1)
        entry, profit, stop = (exchange.state(order) for order in orders)
        opened = entry.filled_quantity - profit.filled_quantity - stop.filled_quantity
        assert opened >= -1e-9
        held = exchange.broker.get_position("A")
        assert opened == pytest.approx(abs(held.quantity) if held else 0.0)
        if not entry.is_open:
            for order in (profit, stop):
                assert not order.is_open or order.remaining == pytest.approx(opened)
            if opened < 1e-9:
                assert {profit.is_open, stop.is_open} == {False}
            low, high = exchange.desk.books.projected("A")
            assert (low >= -1e-9) if long else (high <= 1e-9), "what may happen is never a position the other way"
        exchange.agree()
