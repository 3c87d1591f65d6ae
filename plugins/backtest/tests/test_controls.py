"""Controls that a strategy puts on its own orders (ml4t-backtest 0.2), where a venue fills them."""

from __future__ import annotations

import pytest
from compared_controls import SessionOrders
from differential import differences
from market_data import Market
from ml4t.backtest import BacktestConfig, OrderStatus, OrderType
from ml4t.backtest.config import CancelPolicy
from ml4t.backtest.controls import (
    AccountConstraints,
    AccountControlViolation,
    OrderConstraints,
    TradingControlViolation,
)
from ml4t.specs.market_data import FeedSpec
from paper_kit import trade_at_exchange
from test_exchange import Acts, same_books

from ml4t_live_backtest.parity import run_backtest


class Constrained(Acts):
    def on_start(self, broker):
        broker.register_trading_control(OrderConstraints(max_order_quantity=20.0))

    def act(self, bar, data, broker):
        if bar:
            return
        close = data["A"]["close"]
        kept = broker.submit_order("A", 10, order_type=OrderType.LIMIT, limit_price=close * 0.5)
        asked = (
            lambda: broker.submit_order("A", 30),
            lambda: broker.submit_bracket("A", 30, close * 1.5, close * 0.5),
            lambda: broker.update_order(kept.order_id, quantity=30.0),
        )
        for ask in asked:
            try:
                ask()
            except TradingControlViolation as error:
                self.orders.append(str(error))


def test_what_a_control_does_not_let_pass_does_not_leave(tmp_path):
    strategy = Constrained()
    hosted, exchange, _ = trade_at_exchange(tmp_path, strategy)
    same_books(hosted, exchange)
    assert strategy.orders == ["order quantity 30 exceeds 20.0"] * 2 + ["order quantity 30.0 exceeds 20.0"]
    assert [order.quantity for order in exchange.orders.values()] == [10.0]


def test_orders_end_with_the_session_at_the_venue_too(tmp_path):
    """The cancel is asked for at the first bar after the end, and carries the time of the end and the reason."""

    def act(self, bar, data, broker):
        if bar == 0:
            price = data["A"]["close"] * 0.5
            self.orders.append(broker.submit_order("A", 5, order_type=OrderType.LIMIT, limit_price=price))

    spec = FeedSpec(timestamp_semantics="event_time")
    config = BacktestConfig(calendar="24/7", feed_spec=spec, cancel_policy=CancelPolicy.SESSION_END)
    strategy = Acts(act)
    hosted, exchange, _ = trade_at_exchange(tmp_path, strategy, seconds=6_600.0, backtest=config)
    same_books(hosted, exchange)
    (order,) = strategy.orders
    assert (order.status, order.cancellation_reason) == (OrderStatus.CANCELLED, "session_end")
    assert (order.cancelled_at.hour, order.cancelled_at.minute) == (0, 0)
    assert not exchange.working


def test_an_account_control_that_is_breached_ends_the_run_as_it_ends_a_backtest(tmp_path):
    class Leveraged(Acts):
        def on_start(self, broker):
            broker.register_account_control(AccountConstraints(max_leverage=0.3), boundary="after_callbacks")

        def act(self, bar, data, broker):
            if bar in {1, 4}:
                broker.order_target_percent("A", 0.2)
                broker.order_target_percent("B", 0.2)

    strategy = Leveraged()
    with pytest.raises(AccountControlViolation, match="exceeds the maximum gross leverage"):
        trade_at_exchange(tmp_path, strategy)
    assert strategy.bar == 2


def test_orders_that_end_with_the_session_are_the_same_in_a_comparison():
    """The clock of the table goes over the end of a session; the time and the reason of a cancel are compared too."""
    spec = FeedSpec(timestamp_semantics="event_time")
    config = BacktestConfig(calendar="NYSE", feed_spec=spec, cancel_policy=CancelPolicy.SESSION_END)
    recording = Market(seed=6, bars=30, clock="half hours over the end of a session").recording()
    assert differences(SessionOrders, recording, config) == []
    reasons = [order.cancellation_reason for order in run_backtest(SessionOrders, recording, config).orders]
    assert reasons.count("session_end") > 3
