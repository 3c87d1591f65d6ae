"""Rows that can be true, and what is said about those that cannot."""

from __future__ import annotations

import pytest

from ml4t.live.feeds.problem import RecordingError
from ml4t.live.feeds.replay_config import ReplayConfig
from ml4t.live.feeds.rows import RowReader

GOOD = "2024-01-01,A,10,12,9,11,5"


def reader(tmp_path, *lines, header="date,symbol,open,high,low,close,volume", **settings):
    path = tmp_path / "x.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return RowReader(ReplayConfig(path=path, **settings))


BAD = [
    ("2024-01-02,A,10,12,9,x,5", "could not convert string to float: 'x'"),
    ("2024-01-02,A,10,12,9,,5", "could not convert string to float: ''"),
    ("2024-01-02,A,10,12,9,nan,5", "close = nan is not a price"),
    ("2024-01-02,A,inf,12,9,11,5", "open = inf is not a price"),
    ("2024-01-02,A,0,12,9,11,5", "open = 0.0 is not a price"),
    ("2024-01-02,A,10,12,-9,11,5", "low = -9.0 is not a price"),
    ("2024-01-02,A,10,inf,9,11,5", "high = inf is not a price"),
    ("2024-01-02,A,10,8,9,11,5", "high = 8.0 is below low = 9.0"),
    ("2024-01-02,A,10,12,9,11,-5", "volume = -5.0 is not a volume"),
    ("2024-01-02,A,10,12,9,11,nan", "volume = nan is not a volume"),
    ("tomorrow,A,10,12,9,11,5", "'tomorrow' is not a time"),
    ("2024-01-02,,10,12,9,11,5", "no symbol"),
    ("2024-01-02,A,10,12", "a column is missing"),
]


@pytest.mark.parametrize(("line", "words"), BAD)
def test_bad_bar_is_named_with_its_line(tmp_path, line, words):
    with pytest.raises(RecordingError) as caught:
        list(reader(tmp_path, GOOD, line, GOOD))
    assert "x.csv has bad rows:" in str(caught.value)
    assert f"line 3: {words}" in str(caught.value)
    assert 'on_bad_row = "skip"' in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("1,A,nan,1", "price = nan is not a price"),
        ("1,A,-1,1", "price = -1.0 is not a price"),
        ("1,A,1,-1", "size = -1.0 is not a size"),
        ("1,A,1,inf", "size = inf is not a size"),
    ],
)
def test_bad_trade_is_named_with_its_line(tmp_path, line, words):
    with pytest.raises(RecordingError, match=f"line 2: {words}"):
        list(reader(tmp_path, line, header="time,symbol,price,size"))


@pytest.mark.parametrize("line", ['{"time": 1, "symbol": "A"}', "{", "[1]", '{"time": [], "symbol": "A", "price": 1}'])
def test_bad_json_line_is_named(tmp_path, line):
    path = tmp_path / "x.jsonl"
    path.write_text('{"time": 1, "symbol": "A", "price": 1}\n\n' + line + "\n")
    with pytest.raises(RecordingError, match="line 3: "):
        list(RowReader(ReplayConfig(path=path)))


def test_missing_parquet_value_is_named(write):
    path = write("x.parquet", [{"time": 1, "symbol": "A", "price": 1.0}, {"time": 2, "symbol": "A", "price": None}])
    with pytest.raises(RecordingError, match="row 2: a value is missing"):
        list(RowReader(ReplayConfig(path=path)))


def test_only_the_first_bad_rows_are_listed(tmp_path):
    with pytest.raises(RecordingError) as caught:
        list(reader(tmp_path, *["x,A,1,1,1,1,1"] * 50))
    assert str(caught.value).count("line ") == 5
    assert "(and more)" in str(caught.value)


def test_skipped_rows_are_counted(tmp_path):
    rows = reader(tmp_path, GOOD, *(line for line, _ in BAD), GOOD, on_bad_row="skip")
    assert len(list(rows)) == 2
    assert (rows.skipped, len(rows.problems)) == (len(BAD), 5)
    list(rows)
    assert rows.skipped == len(BAD)  # of one reading, not of all


def test_symbols_nobody_asked_for_are_not_looked_at(tmp_path):
    rows = reader(tmp_path, GOOD, "tomorrow,B,x,x,x,x,x", symbols=("A",))
    assert [row[1] for row in rows] == ["A"]


def test_volume_may_be_absent(tmp_path):
    assert [row[-1] for row in reader(tmp_path, "2024-01-01,A,10,12,9,11", header="date,symbol,open,high,low,close")] == [0.0]


class TestWithoutSymbolColumn:
    HEADER = "date,open,high,low,close"

    def test_the_one_symbol_is_it(self, tmp_path):
        rows = list(reader(tmp_path, "2024-01-01,10,12,9,11", "2024-01-02,10,12,9,11", header=self.HEADER, symbols=("A",)))
        assert [row[1] for row in rows] == ["A", "A"]

    @pytest.mark.parametrize("symbols", [(), ("A", "B")])
    def test_it_must_be_one(self, tmp_path, symbols):
        with pytest.raises(RecordingError, match="no column for the symbol; name the one symbol"):
            list(reader(tmp_path, "2024-01-01,10,12,9,11", header=self.HEADER, symbols=symbols))


class TestAdjust:
    HEADER = "date,symbol,open,high,low,close,volume,Adj Close"

    def test_a_split_is_no_crash(self, tmp_path):
        before, after = reader(
            tmp_path, "2024-01-01,A,100,104,96,100,1000,50", "2024-01-02,A,50,52,48,50,2000,50", header=self.HEADER, adjust=True
        )
        assert before[2:] == (50.0, 52.0, 48.0, 50.0, 2000.0)
        assert after[2:] == (50.0, 52.0, 48.0, 50.0, 2000.0)

    def test_is_off_unless_asked_for(self, tmp_path):
        (row,) = reader(tmp_path, "2024-01-01,A,100,104,96,100,1000,50", header=self.HEADER)
        assert row[2:] == (100.0, 104.0, 96.0, 100.0, 1000.0)

    @pytest.mark.parametrize("which", ["high", "low"])
    def test_what_equals_the_close_goes_on_doing_so(self, tmp_path, which):
        """The market state would refuse the bar for a rounding."""
        for cent in range(1_000):
            close, adjusted = 100.0 + cent / 100, 30.1 + cent / 1_000
            high, low = (close, close - 5) if which == "high" else (close + 5, close)
            line = f"2024-01-01,A,{close},{high},{low},{close},1000,{adjusted}"
            ((_, _, _, high, low, close, _),) = reader(tmp_path, line, header=self.HEADER, adjust=True)
            assert adjusted == close == (high if which == "high" else low)

    @pytest.mark.parametrize("adjusted", ["0", "nan", "", "-1", "inf"])
    def test_needs_a_price(self, tmp_path, adjusted):
        with pytest.raises(RecordingError, match="line 2: "):
            list(reader(tmp_path, f"2024-01-01,A,100,104,96,100,1000,{adjusted}", header=self.HEADER, adjust=True))

    def test_needs_the_column(self, tmp_path):
        with pytest.raises(RecordingError, match="adjust = true needs a column of adjusted closes"):
            list(reader(tmp_path, GOOD, adjust=True))
