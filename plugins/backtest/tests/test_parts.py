"""The small parts by themselves: the shield, the session, the slices, the frames, and what differs first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from market_data import Market
from ml4t.backtest import BacktestConfig, Strategy
from ml4t.backtest.broker import Broker

from ml4t.live.times import to_nanoseconds
from ml4t_live_backtest.divergence import Run, books_differ, first_divergence
from ml4t_live_backtest.frames import UnusableData, named, usable_bars
from ml4t_live_backtest.session import Session, SessionEnded, SliceFeed
from ml4t_live_backtest.shield import Shield
from ml4t_live_backtest.slices import Assets, slice_of, stamp_of
from ml4t_live_backtest.trace import Call

BAR = {"price": 10.0, "open": 9.0, "high": 11.0, "low": 8.0, "close": 10.0, "volume": 3.0}
NOON = datetime(2024, 7, 1, 12, tzinfo=UTC)


class Raises(Strategy):
    def on_data(self, timestamp, data, context, broker):
        raise KeyError(timestamp)


def test_the_shield_keeps_an_exception_until_it_is_asked_for_it_once():
    shield = Shield(Raises())
    assert shield.on_data(1, {}, {}, None) is None
    with pytest.raises(KeyError):
        shield.raise_caught()
    shield.raise_caught()


def test_a_session_that_has_ended_takes_no_more():
    class Idle(Strategy):
        def on_data(self, timestamp, data, context, broker):
            pass

    config = BacktestConfig()
    session = Session(Idle(), config, SliceFeed(config.resolved_feed_spec))
    session.begin()
    session.advance(NOON, slice_of({"A": dict(BAR)}), {})
    assert session.finish() is not None
    with pytest.raises(SessionEnded):
        session.advance(NOON, Assets(), {})


def test_one_asset_goes_by_the_names_of_its_values_and_signals():
    data = slice_of({"A": dict(BAR)}, {"A": {"signals": {"sma_20": 9.5}, "bid": 9.9}})
    assert (data["close"], data["sma_20"], data["A"]["bid"]) == (10.0, 9.5, 9.9)
    two = slice_of({"A": dict(BAR), "B": dict(BAR)})
    with pytest.raises(KeyError):
        two["close"]


@pytest.mark.parametrize(
    ("setting", "hour", "aware"), [("UTC", 12, True), ("naive", 12, False), ("naive America/New_York", 8, False)]
)
def test_the_clock_of_a_strategy(setting, hour, aware):
    stamped = stamp_of(setting)(to_nanoseconds(NOON))
    assert (stamped.hour, stamped.tzinfo is not None) == (hour, aware)


@pytest.mark.parametrize("column", ["open", "low", "close", "volume"])
def test_rows_that_are_no_bars_are_named(column):
    prices = Market(bars=3).recording().prices
    broken = prices.with_columns(prices[column] * -1.0 - 1.0)
    with pytest.raises(UnusableData, match="3 of 3 rows are no bars"):
        usable_bars(broken)


def test_a_table_without_an_asset_column_is_refused_with_what_it_has():
    with pytest.raises(UnusableData, match="no column asset; it has timestamp"):
        named(Market(bars=2).recording().prices.drop("asset"))


def test_the_earliest_difference_is_told():
    calls = [Call("on_data", moment, bytes([moment])) for moment in (1, 2, 3)]
    other = [calls[0], Call("on_data", 2, b"other"), calls[2]]
    one = Run(calls, (), (), (), {}, [(3, 1.0)])
    two = Run(other, (), (), (), {}, [(3, 2.0)])
    found = first_divergence(one, two)
    assert found is not None
    assert (found.what, found.index, found.timestamp) == ("callback", 1, 2)
    assert first_divergence(one, one) is None


def test_sums_may_differ_by_their_order_and_no_more():
    assert books_differ("cash", 0.1 + 0.2, 0.3) == ""
    assert books_differ("cash", 1.0, 1.000001) == "cash is 1.0 in the books of the live engine, and 1.000001 in the backtest"


def test_the_broker_of_a_session_is_made_by_its_own_engine():
    class Idle(Strategy):
        def on_data(self, timestamp, data, context, broker):
            """Do nothing."""

    config = BacktestConfig(initial_cash=5_000.0, allow_short_selling=True)
    broker, other = Session(Idle(), config, SliceFeed(config.resolved_feed_spec)).broker, Broker.from_config(config)
    assert isinstance(broker, Broker)
    assert broker is broker._execution_engine.broker
    assert (broker.cash, broker.share_type, broker.allow_short_selling) == (
        5_000.0,
        other.share_type,
        other.allow_short_selling,
    )
