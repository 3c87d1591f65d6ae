"""What a strategy does with its broker reaches a venue that takes every type of order, and what the venue does comes back."""

from __future__ import annotations

from random import Random

import pytest
from configurations import PROFILES, configuration
from ml4t.backtest import (
    BacktestConfig,
    OrderStatus,
    OrderType,
    RebalanceConfig,
    RuleChain,
    StopLoss,
    Strategy,
    TakeProfit,
    TargetWeightExecutor,
)
from ml4t.backtest.config import ShareType
from paper_kit import trade_at_exchange
from random_strategy import VERBS, RandomStrategy

from ml4t.live.risk.config import LiveRiskConfig

FRACTIONS = BacktestConfig(share_type=ShareType.FRACTIONAL, allow_short_selling=True, allow_leverage=True)


class Acts(Strategy):
    """Calls `act` with the number of the bar; notes what its broker shows."""

    def __init__(self, act=None):
        self.bar = -1
        self.orders = []
        if act is not None:
            self.act = lambda bar, data, broker: act(self, bar, data, broker)

    def on_data(self, timestamp, data, context, broker):
        self.bar += 1
        self.act(self.bar, data, broker)


def same_books(hosted, exchange):
    """Assert that strategy and venue have the same account and the same open orders, once the last news is booked."""
    broker, book = hosted.session.broker, hosted._book
    hosted._mirror.catch_up(broker._market_state.time)
    held = {asset: position.quantity for asset, position in broker.positions.items() if position.quantity}
    there = {symbol: position.quantity for symbol, position in exchange.venue.portfolio.positions.items() if position.quantity}
    assert held == pytest.approx(there)
    assert broker.cash == pytest.approx(exchange.venue.portfolio.cash)
    pending = {book.ours[order.order_id] for order in broker.pending_orders}
    assert pending == exchange.working.keys()
    return broker


def test_brackets_are_orders_at_the_venue_of_which_one_cancels_the_other(tmp_path):
    def act(self, bar, data, broker):
        if bar == 0:
            close = data["A"]["close"]
            self.orders += broker.submit_bracket("A", 10.0, close * 1.001, close * 0.999)

    strategy = Acts(act)
    hosted, exchange, _ = trade_at_exchange(tmp_path, strategy)
    same_books(hosted, exchange)
    entry, *exits = strategy.orders
    assert entry.status is OrderStatus.FILLED
    assert {order.status for order in exits} == {OrderStatus.FILLED, OrderStatus.CANCELLED}
    assert [fill.quantity for fill in exchange.fills] == [10.0, 10.0]
    assert len(hosted.session.broker.trades) == 1


def test_a_bracket_is_of_whole_shares_where_shares_are_whole(tmp_path):
    def act(self, bar, data, broker):
        if bar == 0:
            close = data["A"]["close"]
            self.orders += broker.submit_bracket("A", 10.9, close * 1.5, close * 0.5)
            assert broker.submit_bracket("A", 0.9, close * 1.5, close * 0.5)[0].rejection_code == "quantity_rounds_to_zero"

    hosted, exchange, _ = trade_at_exchange(tmp_path, Acts(act))
    same_books(hosted, exchange)
    assert {order.quantity for order in exchange.orders.values()} == {10.0}
    assert len(exchange.orders) == 3


@pytest.mark.parametrize("type_", [OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP])
def test_every_type_of_order_reaches_the_venue_as_it_was_asked_for(tmp_path, type_):
    def act(self, bar, data, broker):
        close = data["A"]["close"]
        if bar == 0:
            prices = {
                OrderType.LIMIT: {"limit_price": close},
                OrderType.STOP: {"stop_price": close * 0.9995},
                OrderType.STOP_LIMIT: {"stop_price": close * 0.9995, "limit_price": close * 0.99},
                OrderType.TRAILING_STOP: {"trail_amount": close * 0.0005},
            }[type_]
            self.asked = prices
            self.orders.append(broker.submit_order("A", 10 if type_ is OrderType.LIMIT else -10, order_type=type_, **prices))

    strategy = Acts(act)
    hosted, exchange, _ = trade_at_exchange(tmp_path, strategy, seconds=3_600.0, backtest=FRACTIONS)
    same_books(hosted, exchange)
    (there,) = exchange.orders.values()
    assert there.order_type.name == type_.name
    assert {name: getattr(there, name) for name in strategy.asked} == strategy.asked
    (order,) = strategy.orders
    assert order.status is OrderStatus.FILLED
    assert order.filled_quantity == 10.0
    assert order.filled_price == pytest.approx(exchange.fills[0].price)


def test_the_rebalancer_brings_the_account_to_its_weights(tmp_path):
    class Rebalances(Acts):
        executor = TargetWeightExecutor(RebalanceConfig(allow_fractional=True, allow_short=True))

        def act(self, bar, data, broker):
            if bar in {0, 8}:
                weights = {"A": 0.5, "B": 0.3} if bar == 0 else {"A": 0.2, "B": -0.1}
                self.orders += self.executor.execute(weights, data, broker)

    strategy = Rebalances()
    hosted, exchange, _ = trade_at_exchange(tmp_path, strategy, backtest=FRACTIONS)
    broker = same_books(hosted, exchange)
    shares = {asset: position.quantity * 100.0 / 100_000.0 for asset, position in broker.positions.items()}
    assert shares == pytest.approx({"A": 0.2, "B": -0.1}, rel=0.05)
    assert {order.status for order in strategy.orders} == {OrderStatus.FILLED}
    assert all(order.rebalance_id for order in strategy.orders)


def test_rebalance_to_weights_sells_what_is_not_listed(tmp_path):
    def act(self, bar, data, broker):
        if bar in {0, 6}:
            self.orders.append(broker.rebalance_to_weights({"A": 0.4} if bar == 0 else {"B": 0.6}))

    strategy = Acts(act)
    hosted, exchange, _ = trade_at_exchange(tmp_path, strategy, backtest=FRACTIONS)
    broker = same_books(hosted, exchange)
    assert list(broker.positions) == ["B"]
    assert [fill.side.name for fill in exchange.fills] == ["BUY", "SELL", "BUY"]
    assert {order.status for orders in strategy.orders for order in orders} == {OrderStatus.FILLED}


def test_amendments_reach_the_venue(tmp_path):
    def act(self, bar, data, broker):
        close = data["A"]["close"]
        if bar == 0:
            self.orders.append(broker.submit_order("A", 10, order_type=OrderType.LIMIT, limit_price=close * 0.5))
            self.orders.append(broker.submit_order("A", 10, order_type=OrderType.TRAILING_STOP, trail_amount=close * 0.5))
        elif bar == 3:
            assert broker.update_order(self.orders[0].order_id, limit_price=close * 0.6, quantity=7)
            assert broker.update_order(self.orders[1].order_id, trail_amount=close * 0.4)
            self.asked = {"LIMIT": (7, close * 0.6, None), "TRAILING_STOP": (10, None, close * 0.4)}

    strategy = Acts(act)
    hosted, exchange, _ = trade_at_exchange(tmp_path, strategy)
    same_books(hosted, exchange)
    there = {each.order_type.name: (each.quantity, each.limit_price, each.trail_amount) for each in exchange.orders.values()}
    assert there == strategy.asked
    assert [order.quantity for order in strategy.orders] == [7.0, 10.0]


def test_what_the_venue_refuses_is_rejected_a_whole_bracket_too(tmp_path):
    def act(self, bar, data, broker):
        if bar == 0:
            close = data["A"]["close"]
            self.orders.append(broker.submit_order("A", 10))
            self.orders += broker.submit_bracket("A", 10, close * 1.5, close * 0.5)
            self.orders.append(broker.submit_order("B", 10))

    strategy = Acts(act)
    hosted, exchange, _ = trade_at_exchange(tmp_path, strategy, refuses=lambda order: order.symbol == "A")
    same_books(hosted, exchange)
    assert [order.status.name for order in strategy.orders] == ["REJECTED"] * 4 + ["FILLED"]
    assert {order.rejection_code for order in strategy.orders[:2]} == {"mood"}


def test_position_rules_end_a_position_of_a_bracket(tmp_path):
    class Ruled(Acts):
        def on_start(self, broker):
            broker.set_position_rules(RuleChain([StopLoss(pct=0.001), TakeProfit(pct=0.001)]))

        def act(self, bar, data, broker):
            if bar == 0:
                close = data["A"]["close"]
                self.orders += broker.submit_bracket("A", 10, close * 1.5, close * 0.5)

    hosted, exchange, _ = trade_at_exchange(tmp_path, Ruled(), seconds=3_600.0)
    broker = same_books(hosted, exchange)
    assert [fill.side.name for fill in exchange.fills][:2] == ["BUY", "SELL"]
    assert broker.trades[0].exit_reason in {"stop_loss", "take_profit"}


def test_a_position_that_turns_over_takes_its_other_orders_out_of_the_venue(tmp_path):
    """As the backtest does; an order that it only forgot would trade for nobody."""

    def act(self, bar, data, broker):
        if bar == 0:
            broker.submit_order("A", 10)
            self.orders.append(broker.submit_order("A", 5, order_type=OrderType.LIMIT, limit_price=data["A"]["close"] * 0.5))
        elif bar == 3:
            broker.submit_order("A", -20)
        elif bar == 8:
            self.status = self.orders[0].status

    strategy = Acts(act)
    hosted, exchange, _ = trade_at_exchange(tmp_path, strategy, backtest=FRACTIONS)
    same_books(hosted, exchange)
    assert not exchange.working
    assert strategy.status is OrderStatus.CANCELLED
    assert hosted.session.broker.positions["A"].quantity == -10.0


@pytest.mark.parametrize(
    "config",
    [
        BacktestConfig.from_preset("backtrader_strict"),
        BacktestConfig.from_preset("lean"),
        BacktestConfig(buying_power_reservation=True),
    ],
    ids=["backtrader", "lean", "reservation"],
)
def test_an_order_that_the_backtest_refuses_by_itself_does_not_leave(tmp_path, config):
    """These configurations look at the cash when an order is made."""

    def act(self, bar, data, broker):
        if bar == 0:
            self.orders.append(broker.submit_order("A", 10))
            self.orders.append(broker.submit_order("A", 5_000))
            self.orders += broker.submit_bracket("B", 5_000, 200.0, 50.0)

    strategy = Acts(act)
    hosted, exchange, _ = trade_at_exchange(tmp_path, strategy, backtest=config)
    same_books(hosted, exchange)
    assert [order.status.name for order in strategy.orders] == ["FILLED"] + ["REJECTED"] * 4
    assert strategy.orders[1].rejection_code.startswith("insufficient_")
    assert strategy.orders[3].rejection_code == "parent_refused"
    assert [order.quantity for order in exchange.orders.values()] == [10.0]


@pytest.mark.parametrize("config", [BacktestConfig.from_preset("lean"), BacktestConfig(buying_power_reservation=True)])
def test_an_order_that_the_gate_refuses_reserves_no_cash(tmp_path, config):
    def act(self, bar, data, broker):
        if bar == 0:
            self.orders += [broker.submit_order("A", quantity) for quantity in (800, 700, 300, 300, 300)]

    strategy = Acts(act)
    limits = LiveRiskConfig(
        execution_mode="paper",
        max_order_value=40_000.0,
        max_position_value=200_000.0,
        max_total_exposure=200_000.0,
        max_data_staleness_seconds=None,
        dedup_window_seconds=None,
    )
    hosted, exchange, _ = trade_at_exchange(tmp_path, strategy, backtest=config, limits=limits)
    same_books(hosted, exchange)
    codes = [order.rejection_code for order in strategy.orders]
    assert codes[:2] == ["max_order_value"] * 2
    assert codes[2:4] == [None, None]


def test_a_target_intent_is_refused_with_the_remedy(tmp_path):
    class Intends(Acts):
        def act(self, bar, data, broker):
            if bar == 0:
                try:
                    broker.register_target_intent(object())
                except ValueError as error:
                    self.orders.append(str(error))

    strategy = Intends()
    trade_at_exchange(tmp_path, strategy)
    assert strategy.orders[0].startswith("register_target_intent works in shadow mode only: ")
    assert "rebalance_to_weights" in strategy.orders[0]


@pytest.mark.parametrize("seed", range(8))
def test_whatever_a_strategy_does_the_venue_has_the_books_that_it_sees(tmp_path, seed):
    random = Random(seed)
    strategy = RandomStrategy(seed, tuple(random.sample([*VERBS], random.choice((4, 8, len(VERBS))))))
    changes = {"allow_short_selling": True, "allow_leverage": True, "share_type": random.choice(list(ShareType))}
    config = configuration(PROFILES[seed % len(PROFILES)], changes, quotes=False)
    hosted, exchange, _ = trade_at_exchange(
        tmp_path, strategy, seconds=1_200.0, backtest=config, on_error="continue", error_budget=500
    )
    same_books(hosted, exchange)
    assert strategy.answers
