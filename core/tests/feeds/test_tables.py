"""The same rows from every format, and what is said about files that cannot be read."""

from __future__ import annotations

import contextlib
import gzip
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ml4t.live.feeds.problem import RecordingError
from ml4t.live.feeds.tables import FORMATS
from ml4t.live.model import Bar, Trade
from ml4t.live.times import NANOS

OPEN_FILES = Path("/proc/self/fd")
DAY = 86_400 * NANOS
START = 1_704_153_600 * NANOS  # 2024-01-02
BARS = [
    {"symbol": s, "date": d, "open": o, "high": o + 2, "low": o - 1, "close": o + 1, "volume": 1000}
    for s, d, o in [("A", "2024-01-02", 10.0), ("A", "2024-01-03", 11.0), ("B", "2024-01-02", 20.5)]
]
WANTED = [
    Bar("A", START, 10.0, 12.0, 9.0, 11.0, 1000.0, DAY, source="replay"),
    Bar("B", START, 20.5, 22.5, 19.5, 21.5, 1000.0, DAY, source="replay"),
    Bar("A", START + DAY, 11.0, 13.0, 10.0, 12.0, 1000.0, DAY, source="replay"),
]


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_gives_the_same_bars(write, replay, suffix):
    assert replay(write("bars" + suffix, BARS)) == WANTED


@pytest.mark.parametrize("name", ["BARS.CSV", "bars.2024.csv.gz"])
def test_suffix_counts_not_the_rest_of_the_name(write, replay, name):
    path = write(name.lower(), BARS)
    assert replay(path.rename(path.with_name(name))) == WANTED


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_blank_lines_and_byte_order_mark(tmp_path, replay, delimiter):
    path = tmp_path / "x.csv"
    lines = ["date,symbol,price,size", "", "2024-01-02,A,10,1", "   ".strip(), "2024-01-03,A,11,2", ""]
    path.write_text("\ufeff" + "\r\n".join(lines).replace(",", delimiter), encoding="utf-8")
    assert [(event.price, event.size) for event in replay(path)] == [(10.0, 1.0), (11.0, 2.0)]


def test_quoted_values(tmp_path, replay):
    path = tmp_path / "x.csv"
    path.write_text('"date","symbol","price"\n"2024-01-02","A, Inc","10"\n')
    assert replay(path) == [Trade("A, Inc", START, 10.0, 0.0, source="replay")]


def test_json_numbers_and_blank_lines(tmp_path, replay):
    path = tmp_path / "x.jsonl"
    path.write_text(
        '{"ts": 1704153600000, "symbol": 600519, "price": 10, "x": [1]}\n\n{"symbol": 7, "price": "9", "ts": "2024-01-03"}\n'
    )
    assert replay(path) == [
        Trade("600519", START, 10.0, 0.0, source="replay"),
        Trade("7", START + DAY, 9.0, 0.0, source="replay"),
    ]


@pytest.mark.parametrize(
    ("stamps", "timezone"),
    [
        ([date(2024, 1, 2)], "UTC"),
        ([datetime(2024, 1, 2, tzinfo=UTC)], "America/New_York"),
        ([datetime(2024, 1, 1, 19)], "America/New_York"),  # noqa: DTZ001
        ([datetime(2024, 1, 2)], "UTC"),  # noqa: DTZ001
        ([START], "UTC"),
        (["2024-01-02T00:00:00Z"], "UTC"),
    ],
)
def test_parquet_times(write, replay, stamps, timezone):
    path = write("x.parquet", [{"time": stamp, "symbol": "A", "price": 1.0} for stamp in stamps])
    assert [event.event_time for event in replay(path, timezone=timezone)] == [START]


def test_parquet_times_are_not_guessed_by_size(write, replay):
    # 1970-01-01T00:00:01.5Z: as a bare number of nanoseconds it would be taken for seconds.
    path = write("x.parquet", [{"time": datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC), "symbol": "A", "price": 1.0}])
    assert [event.event_time for event in replay(path)] == [1_500_000_000]


def test_parquet_keeps_nanoseconds_and_reads_dictionaries(tmp_path, replay):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = {
        "time": pa.array([START + 1], pa.timestamp("ns")),
        "symbol": pa.array(["A"]).dictionary_encode(),
        "price": pa.array([1.5], pa.float32()),
    }
    parquet.write_table(pa.table(table), tmp_path / "x.parquet")
    assert replay(tmp_path / "x.parquet") == [Trade("A", START + 1, 1.5, 0.0, source="replay")]


def test_parquet_of_many_batches(write, replay):
    path = write("x.parquet", [{"time": START + n, "symbol": "A", "price": n + 1.0} for n in range(20_000)])
    assert [event.price for event in replay(path)] == [n + 1.0 for n in range(20_000)]


def test_parquet_without_pyarrow_says_what_to_install(write, replay, monkeypatch):
    path = write("x.parquet", BARS)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ImportError, match=r'needs pyarrow: pip install "ml4t-live\[parquet\]"'):
        replay(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.xls", b"", r"cannot tell its format; the name must end in one of \.csv"),
        ("x.csv", b"", "is empty; its first line must name the columns"),
        ("x.csv", b"date,symbol,price\n", "has no rows"),
        ("x.jsonl", b"\n", "is empty; write one JSON object a line"),
        ("x.jsonl", b"[1]\n", "line 1: not an object"),
        ("x.jsonl", b"{1}\n", "line 1: JSON is malformed"),
        ("x.csv.gz", b"not gzip", "breaks off|cannot be read"),
        ("x.csv", b"date,symbol,price\n2024-01-02,\xff,1\n", "breaks off|cannot be read"),
        ("x.parquet", b"PAR2", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, replay, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordingError, match=words) as caught:
        replay(tmp_path / name)
    assert name in str(caught.value)


def test_a_file_cut_short_is_not_replayed(tmp_path, replay):
    whole = gzip.compress(b"date,symbol,price\n" + b"".join(b"2024-01-02,S%d,%d\n" % (n, n + 1) for n in range(9999)))
    (tmp_path / "x.csv.gz").write_bytes(whole[:-2000])
    with pytest.raises(RecordingError, match=r"breaks off after line \d+: .*; get the file again"):
        replay(tmp_path / "x.csv.gz")


def test_missing_file_and_folder(tmp_path, replay):
    with pytest.raises(RecordingError, match=r"gone\.csv is not there"):
        replay(tmp_path / "gone.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(RecordingError, match=r"folder\.csv is not a file"):
        replay(tmp_path / "folder.csv")


@pytest.mark.skipif(not OPEN_FILES.exists(), reason="open files are listed on Linux only")
@pytest.mark.parametrize("name", ["x.csv", "x.jsonl.gz", "x.parquet"])
@pytest.mark.parametrize("last_price", [1.0, -1.0])
def test_the_file_is_closed(write, replay, name, last_price):
    path = write(name, [{"time": START, "symbol": "A", "price": price} for price in (1.0, last_price)])
    with contextlib.suppress(RecordingError):
        replay(path)
    assert str(path) not in {os.path.realpath(number) for number in OPEN_FILES.iterdir()}


def test_the_light_module_loads_no_reader():
    code = (
        "import sys, ml4t.live.standard.replay as m; r, = m.ml4t_live_feeds(); assert r.config.__name__ == 'ReplayConfig';"
        "print([n for n in sys.modules if n.startswith(('ml4t.live.feeds', 'pyarrow', 'rich', 'pandas', 'csv'))])"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert out.strip() == "['ml4t.live.feeds', 'ml4t.live.feeds.replay_config']"
