"""Which column is what."""

from __future__ import annotations

import pytest

from ml4t.live.feeds.columns import find_columns
from ml4t.live.feeds.problem import RecordingError

BAR = ["Date", "Open", "High", "Low", "Close"]


def found(*names, **more):
    return find_columns(names, where="x.csv", **more)


def test_our_stocks_file():
    columns = found("Ticker", "Date", "Open", "High", "Low", "Close", "Volume", "Adj Close")
    assert columns.kind == "bar"
    assert columns.in_order() == ["Date", "Ticker", "Open", "High", "Low", "Close", "Volume", "Adj Close"]


@pytest.mark.parametrize("time", ["timestamp", "date", "DateTime", "TIME", "ts", "event_time", "Event Time"])
@pytest.mark.parametrize("symbol", ["asset", "symbol", "ticker"])
@pytest.mark.parametrize("price", ["price", "px", "last"])
@pytest.mark.parametrize("size", ["size", "qty", "quantity", "amount"])
def test_common_names_of_trades(time, symbol, price, size):
    columns = found(size, price, symbol, time)
    assert (columns.kind, columns.in_order()) == ("trade", [time, symbol, price, size])


@pytest.mark.parametrize("adjusted", ["adj close", "Adj_Close", "adjclose", "Adjusted Close", "adj-close"])
def test_names_of_adjusted_closes(adjusted):
    assert found(*BAR, adjusted).names["adj_close"] == adjusted


def test_the_likeliest_of_several_names_wins():
    assert found("date", "timestamp", "px", "price", "ts").names == {"time": "timestamp", "price": "price"}


def test_the_first_of_equal_names_wins():
    assert found("Price", "price", "time").names["price"] == "Price"


def test_renaming_wins_over_a_likely_name():
    columns = found("when", "timestamp", "wert", "stock", renamed={"when": "timestamp", "wert": "price", "stock": "Symbol"})
    assert columns.names == {"time": "when", "symbol": "stock", "price": "wert"}


@pytest.mark.parametrize("ours", ["adj_close", "adj close", "adjclose"])
def test_renaming_understands_every_name_it_could_have_had(ours):
    assert found(*BAR, "X", renamed={"X": ours}).names["adj_close"] == "X"


def test_kind_may_be_said():
    assert found(*BAR, "Price", kind="trade").kind == "trade"
    assert found(*BAR, "Price").kind == "bar"


@pytest.mark.parametrize(
    ("names", "more", "words"),
    [
        (
            ["date", "open", "close"],
            {},
            r"x\.csv: no column for high, low of a bar; the columns are 'date', 'open', 'close'; say",
        ),
        (["symbol", "price"], {}, "no column for time of a trade"),
        (BAR, {"kind": "trade"}, "no column for price of a trade"),
        (BAR, {"renamed": {"Closing": "close"}}, "columns names 'Closing', which is not there; the columns are 'Date'"),
        (BAR, {"renamed": {"Close": "klose"}}, "'Close' cannot be 'klose'; choose from time, symbol, price, size, open"),
        ([*BAR, "Time"], {}, "'Date' and 'Time' are both there and neither is a whole moment; join them"),
    ],
)
def test_what_is_wrong_is_said(names, more, words):
    with pytest.raises(RecordingError, match=words):
        found(*names, **more)


def test_date_and_time_beside_a_timestamp_are_fine():
    assert found("date", "time", "timestamp", "price").names["time"] == "timestamp"
