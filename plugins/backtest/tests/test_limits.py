"""What cannot be the same live: refused at the start, or by the desk with a reason, and never silently different."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from attrs import evolve
from compared_kit import LATEST, Counted
from configurations import configuration
from differential import attempt, differences
from market_data import Market
from ml4t.backtest import BacktestConfig, ContractSpec, OrderType, Strategy, models
from ml4t.backtest.config import DataFrequency
from ml4t.backtest.types import AssetClass

from ml4t.live.risk.config import LiveRiskConfig
from ml4t_live_backtest.frames import UnusableData
from ml4t_live_backtest.limits import (
    DOES_NOT_ADD_UP,
    NOT_AT_A_VENUE,
    NOT_LIVE,
    NOT_LIVE_AS_SET,
    NOT_TAKEN_BACK,
    NOT_TRADED,
    refuse_what_cannot_run,
)
from ml4t_live_backtest.parity import Recording, check_parity, our_books, run_live

TABLE = Market(seed=3, bars=12, volatility=0.02)


class Does(Counted):
    """Does one thing with its broker on the third bar."""

    def __init__(self, act):
        super().__init__()
        self.act = act
        self.answers = []

    def on_bar(self, count, timestamp, data, context, broker):
        if count == 2:
            self.answers.append(self.act(broker))


@pytest.mark.parametrize("option", NOT_LIVE)
def test_an_option_that_cannot_be_honoured_is_refused_with_the_remedy(option):
    with pytest.raises(ValueError, match=f"{option} cannot be honoured: "):
        refuse_what_cannot_run(Does(print), BacktestConfig(), {option: object()})


def test_futures_that_are_settled_every_day_are_refused():
    daily = {"asset_class": AssetClass.FUTURE, "multiplier": 50.0, "accounting_method": "futures_variation"}
    if not LATEST:  # there are none: its contracts are worth what they trade at
        with pytest.raises(TypeError, match="accounting_method"):
            ContractSpec("ES", **daily)
        daily.pop("accounting_method")
        return refuse_what_cannot_run(Does(print), BacktestConfig(), {"contract_specs": {"ES": ContractSpec("ES", **daily)}})
    with pytest.raises(ValueError, match="ES cannot be honoured: it is settled every day"):
        refuse_what_cannot_run(Does(print), BacktestConfig(), {"contract_specs": {"ES": ContractSpec("ES", **daily)}})
    return None


class Observing:
    """A model of slippage that asks for what only the runtime of a backtest has."""

    requires_observed_ohlc = True


def test_a_slippage_model_that_needs_the_runtime_of_a_backtest_is_refused():
    assert not LATEST or models.VolatilityVolumeSlippage.requires_observed_ohlc
    with pytest.raises(ValueError, match="slippage_model cannot be honoured: such a slippage model needs"):
        refuse_what_cannot_run(Does(print), BacktestConfig(), {"slippage_model": Observing()})


def test_sessions_of_bars_within_a_day_are_refused_live_and_honoured_for_a_table():
    config = BacktestConfig(calendar="NYSE", enforce_sessions=True, data_frequency=DataFrequency.MINUTE_1)
    with pytest.raises(ValueError, match=r"enforce_sessions cannot be honoured: .*\(NYSE\)"):
        refuse_what_cannot_run(Does(print), config, {})
    refuse_what_cannot_run(Does(print), config, {}, recorded=True)
    refuse_what_cannot_run(Does(print), BacktestConfig(calendar="NYSE", enforce_sessions=True), {})


def test_what_a_feed_of_a_backtest_has_besides_bars_is_refused_before_a_comparison():
    recording = Recording(TABLE.recording().prices, columns={"session_col": "day"})
    with pytest.raises(ValueError, match=r"session_col cannot be honoured: .*bars of a session"):
        run_live(lambda: Does(print), recording, BacktestConfig())


PAGE = Path(__file__).parents[3] / "docs" / "backtest-to-live.md"


def rows_of(*titles):
    """Return the rows of the tables under the titles of the page, by their first column."""
    page = PAGE.read_text().split("## What is different live, and why")[1].split("\n## ")[0]
    parts = {part.splitlines()[0]: part for part in page.split("\n### ")[1:]}
    lines = [line for title in titles for line in parts[title].splitlines() if line.startswith("| ")]
    cells = [[cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines]
    return dict(each for each in cells if each[0] not in {"what", "set to", "---"})


def test_the_page_lists_what_is_refused_and_nothing_else():
    assert rows_of("Refused at the start") == {**NOT_LIVE, **NOT_LIVE_AS_SET}
    assert rows_of("Refused when it is asked for") == {**NOT_TRADED, **NOT_AT_A_VENUE}
    assert rows_of("Not taken back") == dict(NOT_TAKEN_BACK)


def ask_for_no_limit(broker):
    return broker.submit_order("A0", 5, order_type=OrderType.LIMIT)


def ask_for_a_limit_of_nothing(broker):
    return broker.submit_order("A0", 5, order_type=OrderType.LIMIT, limit_price=0.0)


def ask_for_no_number(broker):
    return broker.submit_order("A0", math.nan, order_type=OrderType.LIMIT, limit_price=50.0)


def ask_for_less_than_nothing(broker):
    order = broker.submit_order("A0", 5, order_type=OrderType.LIMIT, limit_price=1.0)
    return broker.update_order(order.order_id, quantity=-1)


@pytest.mark.parametrize("act", [ask_for_no_limit, ask_for_a_limit_of_nothing, ask_for_no_number, ask_for_less_than_nothing])
def test_what_no_venue_takes_is_an_error_in_both_engines_or_a_difference(act):
    recording = TABLE.recording()
    found = differences(lambda: Does(act), recording, configuration("default", {}, quotes=False))
    if LATEST:
        assert found == []
        assert attempt(lambda: run_live(lambda: Does(act), recording, BacktestConfig())).startswith("ValueError: ")
    else:
        assert found


def resize_an_exit(broker):
    _, target, _ = broker.submit_bracket("A0", 5, 1_000.0, 1.0)
    return broker.update_order(target.order_id, quantity=2)


def move_a_trailing_stop(broker):
    order = broker.submit_order("A0", -5, order_type=OrderType.TRAILING_STOP, trail_amount=20.0)
    return broker.update_order(order.order_id, stop_price=45.0)


@pytest.mark.parametrize("act", [resize_an_exit, move_a_trailing_stop])
def test_an_amendment_that_no_venue_makes_is_refused_and_shown(act):
    strategies = []

    def make():
        strategies.append(Does(act))
        return strategies[-1]

    parity = check_parity(make, TABLE.recording(), BacktestConfig(allow_short_selling=True))
    assert [each.answers for each in strategies] == [[True], [False]]
    assert not parity.passed
    assert parity.divergence is not None
    assert parity.divergence.what == "order"


class ReducesHalfWay(Counted):
    """Two positions and an open order; then a reduction, of which the gate lets only the first half pass."""

    def on_bar(self, count, timestamp, data, context, broker):
        if count < 2:
            broker.submit_order(f"A{count}", 10)
        elif count == 2:
            broker.submit_order("A0", 5, order_type=OrderType.LIMIT, limit_price=data["A0"]["close"] * 0.5)
        elif count == 4:
            with pytest.raises(RuntimeError, match="was not accepted for A1"):
                broker.reduce_all_positions(1.0, "too much")
            assert [(order.asset, order.order_type) for order in broker.pending_orders] == [("A0", OrderType.MARKET)]


def test_what_a_failure_ends_half_way_stays_done_in_all_books():
    recording = Market(seed=3, bars=12, assets=2).recording()
    limits = evolve(LiveRiskConfig.without_limits("shadow"), max_orders_per_minute=1)
    live = run_live(ReducesHalfWay, recording, BacktestConfig(), limits=limits)
    assert list(our_books(live)) == []
    assert live.quantities == {"A1": 10.0}
    assert [order.status.name for order in live.run.orders] == ["FILLED", "FILLED", "CANCELLED", "FILLED", "REJECTED"]


class FlatInItsBooks(Strategy):
    """Buys, and has its own broker forget it: what a backtest that contradicts itself comes to."""

    def on_data(self, timestamp, data, context, broker):
        if not broker.fills:
            broker.submit_order("A0", 5)

    def on_end(self, broker):
        broker.positions.pop("A0")


def test_a_backtest_that_contradicts_itself_is_told_of():
    (told,) = our_books(run_live(FlatInItsBooks, TABLE.recording(), BacktestConfig()))
    assert told.startswith("the position in A0 is 5.0 in the books of the live engine, and 0.0 in the backtest")
    assert told.endswith(DOES_NOT_ADD_UP)


def test_an_hour_that_the_clock_shows_twice_is_refused():
    recording = Market(bars=20, clock="hours over the change to winter time").recording()
    there = recording.prices.with_columns(recording.prices["timestamp"].dt.convert_time_zone("America/New_York"))
    with pytest.raises(UnusableData, match="America/New_York shows an hour twice"):
        check_parity(lambda: Does(print), type(recording)(there))


class Fails(Strategy):
    def on_data(self, timestamp, data, context, broker):
        broker.submit_order("A0", 5)
        raise KeyError("of the strategy")


def test_an_exception_of_the_strategy_is_the_same_in_both_engines():
    assert differences(Fails, TABLE.recording(), BacktestConfig()) == []
    assert attempt(lambda: run_live(Fails, TABLE.recording(), BacktestConfig())) == "KeyError: 'of the strategy'"
