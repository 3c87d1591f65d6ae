"""Signals of feature functions: offline from the same functions as live, and checked."""

from __future__ import annotations

from math import nan

import attrs
import features_kit as kit
import numpy as np
import polars as pl
import pytest

from ml4t_live_backtest.config import HostConfig
from ml4t_live_backtest.features import UnusableSignal, last_values, load_functions
from ml4t_live_backtest.frames import UnusableData
from ml4t_live_backtest.host import BacktestHost
from ml4t_live_backtest.signals import check_signals, signals_frame


@pytest.mark.parametrize("history", [500, 7])
def test_a_value_is_made_of_the_last_bars_of_its_asset_up_to_then(history):
    bars = kit.table()

    signals = signals_frame(bars, {"mean": kit.mean_5, "momentum": kit.momentum, "count": kit.count}, history=history)

    assert signals.columns == ["timestamp", "asset", "mean", "momentum", "count"]
    assert signals.select("timestamp", "asset").equals(bars.select("timestamp", "asset"))
    for asset in "AB":
        close = bars.filter(asset=asset)["close"].to_list()
        own = signals.filter(asset=asset)
        assert own["count"].to_list() == [min(history, n + 1) for n in range(60)]
        assert own["mean"].to_list()[:4] == [None] * 4
        assert own["mean"].to_list()[4:] == pytest.approx([sum(close[n - 4 : n + 1]) / 5 for n in range(4, 60)], rel=1e-12)
        assert own["momentum"].to_list()[3:] == [close[n] / close[n - 3] - 1.0 for n in range(3, 60)]


@pytest.mark.parametrize(
    ("function", "names"),
    [
        (kit.mean_5, ["f"]),
        (kit.momentum, ["f"]),
        (kit.weekday, ["f"]),
        (kit.band, ["f_upper", "f_lower"]),
        (kit.with_columns, ["f"]),
        (lambda bars: pl.struct(a="close", b="open"), ["f_a", "f_b"]),
        (kit.array, ["f"]),
        (lambda bars: bars.select(pl.col("close").mean()), ["f"]),
        (lambda bars: {"a": 1, "f_b": 2.0}, ["f_a", "f_b"]),
        (lambda bars: bars.select(a=pl.col("close"), b=pl.col("open")), ["f_a", "f_b"]),
        (lambda bars: {"a": pl.col("close"), "b": pl.col("open").mean()}, ["f_a", "f_b"]),
        (lambda bars: np.float64(2.0), ["f"]),
        (lambda bars: np.array(2), ["f"]),
        (lambda bars: bars["close"] > 1.0, ["f"]),
        (lambda bars: None, ["f"]),
    ],
)
def test_what_a_function_may_return(function, names):
    bars = kit.table(("A",), 9).drop("asset")
    values = last_values("f", function, bars)
    assert list(values) == names
    assert all(value is None or type(value) is float for value in values.values())


@pytest.mark.parametrize("unknown", [None, nan, np.nan, pl.Series([1.0, None]), pl.Series([1.0, nan])])
def test_null_and_nan_are_not_known_yet(unknown):
    assert last_values("f", lambda bars: unknown, kit.table(("A",), 2).drop("asset")) == {"f": None}


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (kit.short, "returned 5 rows for 9 bars: nobody knows which of them is the newest"),
        (kit.text, "returned 'buy'; a signal is a number, or a column of them"),
        (kit.infinite, "is infinite: it divides by zero somewhere"),
        (kit.same, "returned no column besides those of the bars"),
        (lambda bars: [1.0] * 9, "a signal is a number, or a column of them"),
        (lambda bars: bars["close"].cast(pl.String), "returned a column of String; a signal is a number"),
        (lambda bars: bars["close"].head(0), "returned 0 rows for 9 bars"),
        (lambda bars: {}, "returned no column"),
    ],
)
def test_what_is_no_signal_is_refused(function, why):
    with pytest.raises(UnusableSignal, match=why):
        last_values("f", function, kit.table(("A",), 9).drop("asset"))


def test_a_function_that_fails_offline_says_at_which_bar():
    with pytest.raises(UnusableSignal, match=r"f fails at A 2024-01-02 00:00:00\+00:00: ZeroDivisionError: division by zero"):
        signals_frame(kit.table(), {"f": kit.fails})


def test_a_table_without_bars_is_refused():
    with pytest.raises(UnusableData, match="the bars have no open, volume"):
        signals_frame(kit.table().drop("open", "volume"), {"f": kit.mean_5})


# ------------------------------------------------------------------ the check


GOOD = [kit.mean_5, kit.momentum, kit.weekday, kit.band, kit.with_columns, kit.array]


@pytest.mark.parametrize("function", GOOD, ids=lambda function: function.__name__)
def test_a_function_that_looks_back_at_no_more_than_it_gets_is_passed(function):
    assert check_signals(kit.table(bars=120), {"f": function}, history=50) == []


@pytest.mark.parametrize(
    ("function", "first"),
    [(kit.tomorrow, "2024-01-02"), (kit.centred, "2024-01-04"), (kit.normalised, "2024-01-02")],
)
def test_a_function_that_looks_ahead_is_found_with_the_first_bar_that_shows_it(function, first):
    (problem,) = check_signals(kit.table(), {"f": function}, history=50)
    assert problem.startswith(f"f looks ahead: at A {first} 00:00:00+00:00 it is ")
    assert "when what comes after is in the table" in problem


def test_a_function_that_needs_more_bars_is_found_with_the_first_bar_that_shows_it():
    (problem,) = check_signals(kit.table(), {"good": kit.mean_5, "slow": kit.slow}, history=50)
    assert problem.startswith("slow needs more than 50 bars: at A 2024-02-21 00:00:00+00:00 it is ")
    assert problem.endswith("over all before; write a larger history")
    assert check_signals(kit.table(), {"slow": kit.slow}, history=60) == []


def test_a_number_that_needs_more_bars_is_found_too():
    (problem,) = check_signals(kit.table(), {"count": kit.count}, history=50)
    assert "count needs more than 50 bars: at A 2024-02-21 00:00:00+00:00 it is 50.0 over the last 50 bars, and 51.0" in problem


# ------------------------------------------------------------------ naming them


def test_functions_are_named_by_import_path():
    found = load_functions({"mean": "features_kit:mean_5"})
    assert found["mean"] is kit.mean_5


def test_every_function_that_cannot_be_had_is_named_at_the_start():
    signals = {"a": "no_such_module:f", "b": "features_kit:no_such", "c": "features_kit:START"}
    with pytest.raises(
        ValueError, match=r"a = 'no_such_module:f': No module named .*; .*b = .*no_such.*; .*c = .* is a datetime"
    ):
        BacktestHost(HostConfig(signals=signals))


def test_what_is_no_import_path_is_refused_with_examples():
    with pytest.raises(ValueError, match="sma = 'sma_20' is no import path; write \"module:function\""):
        HostConfig(signals={"sma": "sma_20"})


def test_a_signal_and_a_forecaster_do_not_share_a_name():
    with pytest.raises(ValueError, match="drift is the name of a signal and of a forecaster"):
        attrs.evolve(HostConfig(signals={"drift": "features_kit:mean_5"}), forecasts=["drift"])
