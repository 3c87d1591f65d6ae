"""Where a venue fills the orders, the strategy's own broker shows what the venue has done, and nothing else."""

from __future__ import annotations

import pytest
from ml4t.backtest import BacktestConfig, OrderStatus, StopLoss, Strategy
from paper_kit import paper

from ml4t.live.errors import StrategyEnded
from ml4t.live.model import OrderState
from ml4t.live.risk.config import LiveRiskConfig
from ml4t.live.testing import Faults
from ml4t_live_backtest.host import BacktestHost


class Watching(Strategy):
    """Notes at every bar what its broker shows, next to what the engine's own books have."""

    def __init__(self):
        self.seen = []
        self.orders = []

    def on_data(self, timestamp, data, context, broker):
        self.trade(len(self.seen), timestamp, data, broker)
        held = {asset: position.quantity for asset, position in broker.positions.items()}
        self.seen.append((timestamp, held, broker.cash, len(broker.fills), len(broker.pending_orders)))

    def trade(self, bar, timestamp, data, broker):
        """Decide."""


class BuysAndSells(Watching):
    def trade(self, bar, timestamp, data, broker):
        if bar % 4 == 0:
            self.orders.append(broker.submit_order("A", 10))
        elif bar % 4 == 2:
            self.orders.append(broker.close_position("A"))


@pytest.mark.parametrize("faults", [Faults(), Faults(partial_fill=0.5, duplicate_fill=0.3, reorder=0.3)], ids=["calm", "rough"])
def test_the_books_that_the_strategy_sees_are_the_venues(tmp_path, faults):
    strategy = BuysAndSells()
    hosted, engine, venue = paper(tmp_path, strategy, faults=faults)
    broker = hosted.session.broker
    assert len(strategy.seen) >= 18
    assert {order.status for order in strategy.orders[:-1]} == {OrderStatus.FILLED}
    theirs = [(fill.asset, fill.side.name, fill.quantity, fill.price) for fill in broker.fills]
    there = [(fill.symbol, fill.side.name, fill.quantity, fill.price) for fill in venue.fills]
    assert theirs == there[: len(theirs)]
    assert len(theirs) >= len(there) - 2, "only the last order may still be on its way"
    assert [held for _, held, *_ in strategy.seen][1:4] == [{"A": 10.0}, {"A": 10.0}, {}]
    assert broker.cash == pytest.approx(engine.core.desk.portfolio.cash)
    assert broker.trades[0].quantity == 10.0
    assert broker.trades[0].entry_price == pytest.approx(broker.fills[0].price, rel=1e-3)


def test_nothing_is_filled_by_the_backtest_itself(tmp_path):
    class Asks(Watching):
        def trade(self, bar, timestamp, data, broker):
            if bar == 0:
                self.orders.append(broker.submit_order("A", 5))

    strategy = Asks()
    hosted, _, venue = paper(tmp_path, strategy, faults=Faults(rest_seconds=100_000.0))
    assert venue.fills == []
    assert hosted.session.broker.fills == []
    assert strategy.orders[0].status is OrderStatus.PENDING
    assert [pending for *_, pending in strategy.seen[1:]] == [1] * (len(strategy.seen) - 1)


def test_an_order_that_the_gate_refuses_is_a_rejected_order(tmp_path):
    strategy = BuysAndSells()
    limits = LiveRiskConfig(execution_mode="paper", max_order_value=500.0, max_data_staleness_seconds=None)
    _, engine, venue = paper(tmp_path, strategy, limits=limits)
    first = strategy.orders[0]
    assert (first.status, first.rejection_code) == (OrderStatus.REJECTED, "max_order_value")
    assert "over the limit of 500.00" in first.rejection_reason
    assert not venue.submissions
    assert engine.halted == ""


def test_an_order_that_the_venue_refuses_is_a_rejected_order(tmp_path):
    strategy = BuysAndSells()
    paper(tmp_path, strategy, faults=Faults(reject=1.0))
    assert (strategy.orders[0].status, strategy.orders[0].rejection_code) == (OrderStatus.REJECTED, "mood")


def test_position_rules_close_through_the_gate(tmp_path):
    class Holds(Watching):
        def on_start(self, broker):
            broker.set_position_rules(StopLoss(pct=0.0005))

        def trade(self, bar, timestamp, data, broker):
            if bar == 0:
                broker.submit_order("A", 10)

    strategy = Holds()
    hosted, _, venue = paper(tmp_path, strategy, seconds=3_600.0)
    assert [fill.side.name for fill in venue.fills] == ["BUY", "SELL"]
    assert "stop_loss" in hosted.session.broker.trades[0].exit_reason


def test_fractions_are_rounded_down_before_they_are_sent(tmp_path):
    class Fraction(Watching):
        def trade(self, bar, timestamp, data, broker):
            if bar == 0:
                self.orders.append(broker.submit_order("A", 2.9))
                self.orders.append(broker.submit_order("A", 0.9))

    strategy = Fraction()
    *_, venue = paper(tmp_path, strategy)
    assert [fill.quantity for fill in venue.fills] == [2.0]
    assert strategy.orders[1].rejection_code == "quantity_rounds_to_zero"


def test_what_the_account_held_before_is_there(tmp_path):
    """A trade by hand, while nobody looked: the strategy's broker takes it over."""

    async def by_hand(engine, venue, clock):
        await clock.sleep(200)
        from ml4t.live.orders.facade import DeskBroker

        DeskBroker(engine.core.desk, engine.parts.run_id, "somebody else").submit_order("A", 3.0)

    strategy = Watching()
    paper(tmp_path, strategy, act=by_hand)
    assert [held for _, held, *_ in strategy.seen][-1] == {"A": 3.0}
    assert strategy.seen[-1][2] < strategy.seen[0][2]


def test_a_cancel_waits_for_the_venue(tmp_path):
    class Cancels(Watching):
        def trade(self, bar, timestamp, data, broker):
            if bar == 0:
                self.orders.append(broker.submit_order("A", 5))
            if bar == 2:
                assert broker.cancel_order(self.orders[0].order_id)
                assert self.orders[0].status is OrderStatus.PENDING
            if bar == 4:
                assert not broker.cancel_order(self.orders[0].order_id)

    strategy = Cancels()
    *_, venue = paper(tmp_path, strategy, faults=Faults(rest_seconds=100_000.0))
    assert strategy.orders[0].status is OrderStatus.CANCELLED
    assert next(iter(venue.orders.values())).state is OrderState.CANCELLED


def test_an_exception_is_counted_and_the_run_goes_on(tmp_path):
    class Raises(BuysAndSells):
        def trade(self, bar, timestamp, data, broker):
            super().trade(bar, timestamp, data, broker)
            if bar == 4:
                self.seen.append((timestamp, {}, 0.0, 0, 0))
                raise ZeroDivisionError("a mistake")

    strategy = Raises()
    hosted, engine, venue = paper(tmp_path, strategy, on_error="continue")
    assert engine.core.faults.counts == {"strategy Raises": 1}
    assert len(strategy.seen) >= 18
    assert len(venue.fills) >= 6
    assert hosted.result is not None


def test_the_config_of_the_backtest_fills_nothing_at_once(tmp_path):
    """immediate_fill and same-bar execution are ways of a simulation; a venue takes its time."""
    config = BacktestConfig.from_dict({"execution": {"execution_mode": "same_bar", "execution_price": "close"}})
    config.immediate_fill = True
    strategy = BuysAndSells()
    hosted, _, venue = paper(tmp_path, strategy, backtest=config)
    assert [fill.price for fill in hosted.session.broker.fills] == [fill.price for fill in venue.fills][
        : len(hosted.session.broker.fills)
    ]


def test_what_the_backtest_would_refuse_is_refused_before_the_run():
    class Historical(BuysAndSells):
        def on_before_risk(self, broker):
            """A callback of an earlier ml4t-backtest."""

    with pytest.raises(ValueError, match=r"Historical: .*on_before_risk"):
        BacktestHost().host(Historical())
    config = BacktestConfig.from_dict({"execution": {"execution_price": "vwap"}})
    with pytest.raises(ValueError, match="VWAP"):
        BacktestHost(backtest=config).host(BuysAndSells())


def test_an_engine_that_has_stopped_ends_the_run(tmp_path):
    """What its own broker raises is no exception of the strategy: there is no next bar for it."""

    class Breaks(BuysAndSells):
        def trade(self, bar, timestamp, data, broker):
            super().trade(bar, timestamp, data, broker)
            if bar == 2:
                broker._update_water_marks = None

    strategy = Breaks()
    with pytest.raises(StrategyEnded, match="has stopped"):
        paper(tmp_path, strategy, on_error="continue", error_budget=10)
    assert len(strategy.seen) == 3
