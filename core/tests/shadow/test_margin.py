"""Buying power with leverage, shorts and a maintenance margin; and market orders that trade with what they were decided on."""

from __future__ import annotations

import pytest
from exchange_kit import Exchange
from hypothesis import given, settings
from hypothesis import strategies as st

from ml4t.live.config.shadow import ShadowSettings
from ml4t.live.model import OrderState
from ml4t.live.shadow.costs import Costs
from ml4t.live.shadow.slippage import PercentageSlippage

S = OrderState


def test_a_short_of_ten_thousand_leaves_equity_as_it_was(make):
    exchange = make(cash=100_000.0)
    exchange.trade(100.0)
    exchange.broker.submit_order("A", -100)
    exchange.trade(100.0, 1)
    assert exchange.broker.get_account_value() == 100_000.0
    assert exchange.broker.get_cash() == 110_000.0
    exchange.trade(110.0, 2)
    assert exchange.broker.get_account_value() == 99_000.0
    assert exchange.venue.funds.buying_power == pytest.approx(99_000 - 11_000)


@pytest.mark.parametrize(("leverage", "most"), [(1.0, 1_000), (2.0, 2_000), (4.0, 4_000)])
def test_leverage_is_how_many_times_equity_may_be_held(make, leverage, most):
    exchange = make(cash=100_000.0, leverage=leverage)
    exchange.trade(100.0)
    over = exchange.broker.submit_order("A", most + 1)
    exchange.trade(100.0, 1)
    assert (exchange.state(over).state, exchange.state(over).code) == (S.REJECTED, "insufficient_buying_power")
    full = exchange.broker.submit_order("A", most)
    exchange.trade(100.0, 2)
    assert exchange.state(full).state is S.FILLED
    assert exchange.venue.funds.buying_power == 0.0


def test_longs_and_shorts_are_added(make):
    exchange = make(cash=10_000.0, leverage=2.0)
    for symbol in "AB":
        exchange.trade(100.0, symbol=symbol)
    exchange.broker.submit_order("A", 100)
    short = exchange.broker.submit_order("B", -101)
    for symbol in "AB":
        exchange.trade(100.0, 1, symbol)
    assert exchange.state(short).code == "insufficient_buying_power"


def test_below_the_maintenance_margin_nothing_is_added_and_all_can_be_sold(make):
    exchange = make(cash=10_000.0, leverage=4.0, maintenance_margin=0.25)
    exchange.trade(100.0)
    exchange.broker.submit_order("A", 300)
    exchange.trade(100.0, 1)
    exchange.trade(88.0, 2)  # worth 26,400 on equity of 6,400, where a quarter is 6,600
    more = exchange.broker.submit_order("A", 1)
    exchange.trade(88.0, 3)
    assert (exchange.state(more).state, exchange.state(more).code) == (S.REJECTED, "margin_call")
    exchange.broker.close_position("A")
    exchange.trade(88.0, 4)
    assert exchange.broker.positions == {}
    exchange.agree()


def test_same_bar_orders_trade_at_the_close_they_were_decided_on(make):
    exchange = make(same=True, costs=Costs(slippage=PercentageSlippage(10.0)))
    exchange.bar(100.0, 110.0, 90.0, 105.0, 0)
    order = exchange.broker.submit_order("A", 10)
    filled = exchange.state(order)
    assert (filled.state, filled.average_price) == (S.FILLED, pytest.approx(105.0 * 1.001))
    assert exchange.broker.get_position("A").quantity == 10
    resting = exchange.broker.submit_order("A", 1, "buy", "limit", 95.0)
    assert exchange.state(resting).state is S.WORKING
    exchange.agree()


def test_a_same_bar_order_without_a_price_waits_for_one(make):
    exchange = make(same=True)
    order = exchange.broker.submit_order("new", 1)
    assert exchange.state(order).state is S.WORKING
    exchange.trade(50.0, 1, "new")
    assert exchange.state(order).average_price == 50.0


def test_a_same_bar_order_that_cannot_be_paid_is_refused(make):
    exchange = make(cash=100.0, same=True)
    exchange.trade(100.0)
    assert exchange.state(exchange.broker.submit_order("A", 2)).code == "insufficient_buying_power"


@pytest.mark.parametrize("wrong", [{"max_volume_share": 0.1}, {"slippage": "volume", "slippage_impact": 0.1}])
def test_what_needs_a_volume_is_a_mistake_beside_same_bar_execution(wrong):
    with pytest.raises(ValueError, match="knows no volume"):
        ShadowSettings(execution="same", **wrong)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("AB"), st.integers(-40, 40), st.integers(80, 120)), min_size=1, max_size=15),
    st.sampled_from([1.0, 2.0]),
    st.booleans(),
)
def test_exposure_is_never_traded_over_the_leverage(room, script, leverage, same):
    exchange = Exchange(room, cash=3_000.0, leverage=leverage, same=same)
    for number, (symbol, quantity, price) in enumerate(script, 1):
        exchange.trade(float(price), number, symbol)
        before = exchange.desk.portfolio.quantity(symbol)
        if quantity:
            exchange.broker.submit_order(symbol, quantity)
        exchange.trade(float(price), number, symbol)
        held = exchange.desk.portfolio
        if abs(held.quantity(symbol)) > abs(before):
            gross = sum(abs(position.market_value) for position in held.positions.values())
            assert gross <= held.equity * leverage * (1 + 1e-9)
        exchange.agree()
