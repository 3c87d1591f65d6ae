"""Order of time, whatever the order of the file; kept or streamed, the same."""

from __future__ import annotations

from operator import itemgetter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml4t.live.feeds.problem import RecordingError
from ml4t.live.feeds.recording import KeptRecording, StreamedRecording, load
from ml4t.live.feeds.replay_config import ReplayConfig
from ml4t.live.feeds.rows import RowReader
from ml4t.live.times import NANOS

EVER = (-(1 << 62), 1 << 62)
rows = st.lists(st.tuples(st.integers(1, 50), st.sampled_from("ABCDE")), min_size=1, max_size=80)


def reader(tmp_path, pairs, **settings):
    """Write trades at (second, symbol), each with its line as its price."""
    path = tmp_path / "x.csv"
    path.write_text("time,symbol,price\n" + "".join(f"{t},{s},{n}\n" for n, (t, s) in enumerate(pairs, 1)))
    return RowReader(ReplayConfig(path=path, **settings))


def expected(pairs):
    made = [(t * NANOS, s, float(n), 0.0) for n, (t, s) in enumerate(pairs, 1)]
    return sorted(made, key=itemgetter(0, 1))


by_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)


@by_file
@given(rows)
def test_is_by_time_then_symbol_then_line(tmp_path, pairs):
    recording = load(reader(tmp_path, pairs))
    assert list(recording.rows(*EVER)) == expected(pairs)
    assert recording.symbols == tuple(sorted({s for _, s in pairs}))


@by_file
@given(rows, st.booleans(), st.integers(0, 52), st.integers(0, 52))
def test_kept_and_streamed_are_the_same(tmp_path, pairs, ordered, start, end):
    if ordered:
        pairs = sorted(pairs, key=itemgetter(0))
    source = reader(tmp_path, pairs)
    kept, streamed = load(source), load(source, in_memory=0)
    window = start * NANOS, end * NANOS
    wanted = [row for row in expected(pairs) if window[0] <= row[0] < window[1]]
    for recording in (kept, streamed):
        assert list(recording.rows(*window)) == wanted
        for symbol in "ABCDEX":
            assert list(recording.rows_of(symbol, *window)) == [row for row in wanted if row[1] == symbol]
    assert kept.count(*window) == len(wanted) <= streamed.count(*window)
    assert (kept.symbols, kept.size, kept.first, kept.last) == (streamed.symbols, streamed.size, streamed.first, streamed.last)
    assert kept.spacing() == streamed.spacing()


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr("ml4t.live.feeds.recording._CHUNK", 4)


@pytest.mark.usefixtures("small_chunks")
def test_large_and_in_order_is_streamed(tmp_path):
    pairs = [(n // 3, "CAB"[n % 3]) for n in range(3, 60)]
    recording = load(reader(tmp_path, pairs), in_memory=10)
    assert isinstance(recording, StreamedRecording)
    assert (recording.size, recording.symbols, recording.last) == (57, ("A", "B", "C"), 19 * NANOS)
    assert list(recording.rows(*EVER)) == expected(pairs)
    assert list(recording.rows(*EVER)) == expected(pairs)  # a second time


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("at", [4, 5, 12, 40, 55])
def test_large_and_out_of_order_anywhere_is_kept(tmp_path, at):
    pairs = [(n, "A") for n in range(1, 57)]
    pairs[at] = (1, "A")
    recording = load(reader(tmp_path, pairs), in_memory=10)
    assert isinstance(recording, KeptRecording)
    assert list(recording.rows(*EVER)) == expected(pairs)


@pytest.mark.usefixtures("small_chunks")
def test_symbols_that_come_late_in_a_streamed_file_are_found(tmp_path):
    pairs = [(n, "A") for n in range(1, 30)] + [(30, "NEW")]
    recording = load(reader(tmp_path, pairs, symbols=("NEW", "A")), in_memory=10)
    assert recording.symbols == ("A", "NEW")


@pytest.mark.parametrize(
    ("pairs", "spacing"),
    [
        ([(day * 86_400, "A") for day in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 15)], 86_400 * NANOS),
        ([(t, s) for t in (60, 120, 180) for s in "AB"], 60 * NANOS),
        ([(10, "A"), (20, "A"), (50, "A")], 10 * NANOS),
        ([(10, "A"), (13, "B")], 0),
        ([(10, "A"), (10, "A")], 0),
    ],
)
def test_spacing_is_the_most_common_within_a_symbol(tmp_path, pairs, spacing):
    assert load(reader(tmp_path, pairs)).spacing() == spacing


@pytest.mark.parametrize("in_memory", [0, 100])
def test_a_symbol_that_is_not_there_is_said(tmp_path, in_memory):
    with pytest.raises(RecordingError, match=r"x\.csv holds nothing for X, Y; correct symbols"):
        load(reader(tmp_path, [(1, "A"), (2, "B")], symbols=("X", "A", "Y")), in_memory=in_memory)
