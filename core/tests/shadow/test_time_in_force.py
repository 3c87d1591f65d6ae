"""How long orders work: DAY, IOC, FOK, and the close."""

from __future__ import annotations

import pytest

from ml4t.live.model import Funding, OrderState

S = OrderState
DAY = 86_400


@pytest.fixture
def midnight(exchange):
    """Seconds from the beginning to the end of the UTC day."""
    return DAY - exchange.begun // 1_000_000_000 % DAY


@pytest.mark.parametrize(("late", "state"), [(-1, S.FILLED), (0, S.EXPIRED), (5 * DAY, S.EXPIRED)])
def test_a_day_order_expires_with_the_first_event_of_a_later_day(exchange, midnight, late, state):
    order = exchange.broker.submit_order("A", 5, order_type="limit", limit_price=90.0, time_in_force="day")
    good = exchange.broker.submit_order("A", 5, order_type="limit", limit_price=80.0)
    exchange.trade(89.0, midnight + late)
    after = exchange.state(order)
    assert (after.state, after.code) == (state, "day_over" if state is S.EXPIRED else "")
    if state is S.EXPIRED:
        assert after.updated_at == exchange.at(midnight)
    assert exchange.state(good).is_open
    exchange.agree()


def test_a_bar_is_of_the_day_it_begins_on(exchange, midnight):
    order = exchange.broker.submit_order("A", 5, time_in_force="day")
    exchange.bar(100.0, 101.0, 99.0, 100.5, midnight - 30)
    assert exchange.state(order).average_price == 100.0


def test_a_day_order_made_at_midnight_has_the_day_before_it(exchange, midnight):
    exchange.trade(100.0, midnight)
    order = exchange.broker.submit_order("A", 5, order_type="limit", limit_price=90.0, time_in_force="day")
    exchange.trade(91.0, midnight + DAY - 1)
    assert exchange.state(order).is_open
    exchange.trade(80.0, midnight + DAY)
    assert exchange.state(order).state is S.EXPIRED


@pytest.mark.parametrize("time_in_force", ["ioc", "fok"])
def test_at_once_or_not_at_all(exchange, time_in_force):
    taken = exchange.broker.submit_order("A", 5, time_in_force=time_in_force)
    missed = exchange.broker.submit_order("A", 5, order_type="limit", limit_price=99.0, time_in_force=time_in_force)
    exchange.event(Funding("A", exchange.at(1), 0.001))
    assert exchange.state(missed).is_open, "nobody can trade with a funding rate"
    exchange.trade(100.5, 2)
    assert exchange.state(taken).state is S.FILLED
    assert (exchange.state(missed).state, exchange.state(missed).code) == (S.CANCELLED, "not_at_once")
    exchange.trade(90.0, 3)
    assert exchange.state(missed).filled_quantity == 0.0
    exchange.agree()


def test_at_the_close_of_the_next_whole_bar(exchange):
    exchange.bar(100.0, 101.0, 99.0, 100.0, 0)
    order = exchange.broker.submit_order("A", 5, order_type="market_on_close")
    exchange.trade(100.2, 61)
    exchange.quote(100.0, 100.4, 62)
    exchange.bar(100.0, 102.0, 99.0, 101.0, 60, complete=False)
    assert exchange.state(order).is_open
    exchange.bar(100.0, 103.0, 99.0, 102.5, 60)
    assert exchange.state(order).average_price == 102.5
    exchange.agree()


def test_a_bar_that_was_over_when_the_order_came_is_not_its_close(exchange):
    exchange.bar(100.0, 101.0, 99.0, 100.0, 0)
    order = exchange.broker.submit_order("A", 5, order_type="market_on_close", time_in_force="ioc")
    exchange.bar(100.0, 101.0, 99.0, 99.5, 0)  # a correction
    assert exchange.state(order).is_open
    exchange.bar(100.0, 101.0, 99.0, 100.7, 60)  # it was running
    assert exchange.state(order).average_price == 100.7


def test_without_bars_there_is_no_close(exchange):
    for symbol in ("A", "unheard"):
        order = exchange.broker.submit_order(symbol, 5, order_type="market_on_close")
        assert (exchange.state(order).state, exchange.state(order).code) == (S.REJECTED, "no_bars")
    exchange.agree()


def test_the_opening_auction_is_not_offered(exchange):
    order = exchange.broker.submit_order("A", 5, time_in_force="opg")
    assert (order.state, order.code) == (S.REJECTED, "unsupported_time_in_force")
