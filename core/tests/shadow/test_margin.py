"""Margin at the shadow venue: what leverage allows, what shorts owe, and when nothing is opened any more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml4t.live.model import OrderState

S = OrderState


def trade(exchange, quantity, price=100.0, *, at):
    """Submit a market order, let it meet the price, and return it as it then stands."""
    order = exchange.broker.submit_order("A", quantity)
    exchange.trade(price, at)
    return exchange.state(order)


def test_a_short_of_ten_thousand_leaves_equity_as_it_was(make):
    exchange = make(10_000.0)
    assert trade(exchange, -100, at=1).state is S.FILLED
    assert exchange.venue.portfolio.cash == 20_000.0
    assert exchange.venue.portfolio.equity == 10_000.0
    assert exchange.venue.funds.buying_power == 0.0


def test_a_losing_short_shrinks_buying_power(make):
    exchange = make(10_000.0, leverage=2.0)
    trade(exchange, -100, at=1)
    assert exchange.venue.funds.buying_power == 10_000.0
    exchange.trade(110.0, 2)
    assert exchange.venue.funds.buying_power == 9_000.0 * 2 - 11_000.0
    exchange.trade(90.0, 3)
    assert exchange.venue.funds.buying_power == 11_000.0 * 2 - 9_000.0


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("leverage", [0.5, 1.0, 2.0, 4.0])
def test_leverage_is_how_many_times_equity_may_be_held(make, sign, leverage):
    exchange = make(10_000.0, leverage=leverage)
    full = 100 * leverage
    assert trade(exchange, sign * (full + 1), at=1).code == "insufficient_buying_power"
    assert trade(exchange, sign * full, at=2).state is S.FILLED
    assert trade(exchange, sign * 1, at=3).code == "insufficient_buying_power"
    assert trade(exchange, -sign * full, at=4).state is S.FILLED
    exchange.agree()


def test_a_loss_beyond_leverage_leaves_closing_open(make):
    exchange = make(10_000.0, leverage=4.0)
    trade(exchange, 400, at=1)
    exchange.trade(80.0, 2)
    assert exchange.venue.funds.buying_power < 0
    assert trade(exchange, 1, 80.0, at=3).code == "insufficient_buying_power"
    assert trade(exchange, -400, 80.0, at=4).state is S.FILLED


def test_below_the_maintenance_margin_nothing_is_opened_and_everything_can_be_closed(make):
    exchange = make(10_000.0, leverage=4.0, maintenance_margin=0.25)
    trade(exchange, 300, at=1)
    assert trade(exchange, 1, at=2).state is S.FILLED, "a third is above a quarter"
    exchange.trade(85.0, 3)
    refused = trade(exchange, 1, 85.0, at=4)
    assert (refused.state, refused.code) == (S.REJECTED, "maintenance_margin")
    assert "must be maintained" in refused.reason
    assert trade(exchange, -301, 85.0, at=5).state is S.FILLED
    assert trade(exchange, 1, 85.0, at=6).state is S.FILLED


@given(st.integers(-300, 300), st.floats(50, 150), st.sampled_from([1.0, 2.0, 3.0]))
def test_buying_power_is_equity_times_leverage_less_gross_exposure(room_with, quantity, price, leverage):
    exchange = room_with(cash=10_000.0, leverage=leverage)
    filled = quantity != 0 and trade(exchange, quantity, at=1).state is S.FILLED
    assert filled == (0 < abs(quantity) <= 100 * leverage)
    held = quantity if filled else 0
    exchange.trade(price, 2)
    equity = 10_000.0 + held * (price - 100.0)
    assert exchange.venue.funds.buying_power == pytest.approx(equity * leverage - abs(held) * price)
