"""The features of ml4t-engineer as signals: the real package, live and offline."""

from __future__ import annotations

import features_kit as kit
import polars as pl
import pytest
from live_kit import Notes, shadow
from ml4t.engineer import compute_features

from ml4t_live_backtest.config import HostConfig
from ml4t_live_backtest.features import load_functions
from ml4t_live_backtest.signals import check_signals, signals_frame

SIGNALS = {
    "rsi_14": "engineer:rsi",
    "rsi_5": "engineer:rsi(period=5)",
    "bands": "engineer:bollinger_bands(period=10)",
    "mine": "features_kit:engineered",
}


def test_features_are_the_same_live_as_the_package_computes_them_over_the_whole_table(tmp_path):
    bars = kit.table(("A", "B"), 60)
    strategy = Notes()

    shadow(tmp_path, strategy, bars, HostConfig(signals=SIGNALS, history=60))

    wanted = [
        {"name": "rsi", "params": {"period": 14}, "output": "rsi_14"},
        {"name": "rsi", "params": {"period": 5}, "output": "rsi_5"},
        {"name": "bollinger_bands", "params": {"period": 10}, "output": "bands"},
    ]
    for asset in ("A", "B"):
        theirs = compute_features(bars.filter(asset=asset).drop("asset"), wanted, calendar=None).drop("timestamp", *kit.VALUES)
        bands = theirs["bands"].struct.unnest().rename(lambda name: f"bands_{name}")
        theirs = theirs.drop("bands").hstack(bands).with_columns(mine=theirs["rsi_14"]).fill_nan(None)
        mine = pl.DataFrame(list(strategy.signals(asset).values()))
        assert set(mine.columns) == set(theirs.columns)
        assert theirs["bands_upper"].null_count() == 9
        for name in mine.columns:
            assert mine[name].is_null().equals(theirs[name].is_null()), name
            assert mine[name].drop_nulls().to_list() == pytest.approx(theirs[name].drop_nulls().to_list(), rel=1e-9), name


def test_the_table_for_the_backtest_is_made_by_the_same_functions():
    bars = kit.table(("A",), 40)
    functions = load_functions(SIGNALS)
    assert check_signals(bars, functions, history=40) == []
    assert signals_frame(bars, functions)["rsi_14"].to_list()[14:] == signals_frame(bars, functions)["mine"].to_list()[14:]


def test_a_feature_that_remembers_all_of_the_past_is_found():
    (problem,) = check_signals(kit.table(("A",), 60), load_functions({"rsi": "engineer:rsi"}), history=30)
    assert problem.startswith("rsi needs more than 30 bars: at A ")


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("engineer:no_such", "ml4t-engineer has no feature no_such; it has .*rsi"),
        ("engineer:rsi(14)", r"'rsi\(14\)' is no feature; write its name, or \"rsi\(period=14\)\""),
        ("engineer:rsi(period=period)", "is no feature"),
        ("engineer:rsi(", "is no feature"),
    ],
)
def test_what_is_no_feature_is_told_at_the_start(reference, why):
    with pytest.raises(ValueError, match=why):
        load_functions({"a": reference})
