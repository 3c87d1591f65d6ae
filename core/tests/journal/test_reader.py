"""Reading from outside, and exporting, and verifying."""

from __future__ import annotations

import io
import os
import re
import sqlite3
import sys

import pytest

from ml4t.live.clock import DataClock
from ml4t.live.errors import JournalError
from ml4t.live.journal import JournalReader, RecordKind, export_lines, export_parquet, verify
from ml4t.live.model import Fill, Forecast, ForecastState, Order, OrderSide, OrderState, Resolution, Verdict

WRITER = """
import sys
from pathlib import Path
from ml4t.live.clock import SystemClock
from ml4t.live.journal import Journal
from ml4t.live.model import Order, OrderSide, OrderState
journal = Journal(Path(sys.argv[1]), SystemClock()).open()
print("open", flush=True)
sys.stdin.readline()
for number in range(4000):
    journal.append("order", "o", Order("o", "A", OrderSide.BUY, float(number + 1), state=OrderState.WORKING))
journal.close()
"""


def fill_with_everything(journal, *, count=1_200):
    for number in range(count):
        order = Order(f"o{number % 50}", "A", OrderSide.BUY, 1.0 + number, state=OrderState.WORKING, created_at=number)
        journal.append(RecordKind.ORDER, order.order_id, order)
        journal.append(RecordKind.FILL, order.order_id, Fill(f"e{number}", order.order_id, "A", OrderSide.BUY, 1, 2, number))
        journal.append(RecordKind.FORECAST, f"f{number}", Forecast("A", 5, quantiles={0.5: 1.0}, forecast_id=f"f{number}"))
        if number % 3 == 0:
            journal.append(RecordKind.RESOLUTION, f"f{number}", Resolution(f"f{number}", ForecastState.RESOLVED, number))
        journal.append(RecordKind.VERDICT, order.order_id, Verdict(True), state=[])
        journal.put("positions", f"s{number % 7}", {"b": number, "a": {3, 1, 2}})
    journal.flush()


def test_no_journal_is_an_error_that_names_the_place(path):
    with pytest.raises(JournalError, match=r"no journal at .*journal\.sqlite3; check"):
        JournalReader(path)
    assert not path.exists()


def test_pages_kinds_subjects_and_limits(make, path):
    journal = make()
    for number in range(2_500):
        journal.append("even" if number % 2 == 0 else "odd", f"s{number % 10}", number)
    journal.flush()
    with JournalReader(path) as reader:
        bodies = [record.body for record in reader.records()]
        assert bodies == list(range(2_500))
        assert [r.body for r in reader.records("odd", after_seq=2_400)] == list(range(2_401, 2_500, 2))
        assert [r.body for r in reader.records(subject="s3", limit=2)] == [3, 13]
        assert [r.body for r in reader.records("even", "s3")] == []
        assert [r.seq for r in reader.records(limit=1_700)] == list(range(1, 1_701))
        assert list(reader.records(limit=0)) == []
        assert reader.last("even").body == 2_498
        assert reader.last("none") is None
        assert reader.counts() == {"even": 1_250, "odd": 1_250}


def test_reading_while_another_process_writes(spawn, path):
    process = spawn(WRITER, path)
    assert process.stdout.readline() == "open\n"
    with JournalReader(path) as reader:
        process.stdin.write("\n")
        process.stdin.flush()
        seen = 0
        while seen < 4_000:
            (latest,) = reader.orders() or [None]
            count = sum(reader.counts().values())
            assert count >= seen
            if latest is not None:
                assert latest.quantity >= seen  # never older than what was there before
            seen = count
        assert [record.body["quantity"] for record in reader.records()] == [float(n) for n in range(1, 4_001)]
    assert process.wait(60) == 0
    assert verify(path) == []


def test_a_slow_reader_does_not_hold_the_log(make, path):
    journal = make()
    for number in range(3_000):
        journal.append("x", "s", number)
    journal.flush()
    with JournalReader(path) as reader:
        records = reader.records()
        next(records)  # the rest is left for later
        (busy, in_log, moved) = journal._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert (busy, in_log, moved) == (0, 0, 0)


def test_a_reader_cannot_write(make, path):
    make()
    with JournalReader(path) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._reading.execute("DELETE FROM records")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_closed_journal_in_a_read_only_folder(make, path):
    journal = make()
    journal.append("x", "s", 1)
    journal.close()
    path.parent.chmod(0o500)
    try:
        with JournalReader(path) as reader:
            assert reader.counts() == {"x": 1}
    finally:
        path.parent.chmod(0o700)


def test_the_screens_never_scan(make):
    """Open orders, due forecasts and recent fills are found by an index, however long the history."""
    journal = make()
    asked: list[str] = []
    journal._reading.set_trace_callback(asked.append)
    journal.orders(open_only=True)
    journal.orders(open_only=True, symbol="A", limit=3)
    journal.forecasts(state=ForecastState.OPEN, due_before=5)
    journal.forecasts(state=ForecastState.OPEN)
    journal.forecasts(model="m", symbol="A", limit=100)
    journal.fills(order_id="o")
    journal.fills(after=5)
    list(journal.records("order", after_seq=7))
    list(journal.records(subject="o"))
    journal.last("order")
    journal.has_fill("v", "a", "x")
    journal._reading.set_trace_callback(None)
    assert len(asked) == 11
    for query in asked:
        plan = " ".join(row[3] for row in journal._reading.execute(f"EXPLAIN QUERY PLAN {query}"))
        assert "INDEX" in plan, (query, plan)


def test_exports_of_equal_runs_are_equal_and_so_are_the_files(make, tmp_path):
    texts, files = [], []
    for name in ("one", "two"):
        clock = DataClock()
        journal = make(tmp_path / name, clock=clock, inline=True, durability="none", mode="shadow")
        clock.advance(1_000)
        fill_with_everything(journal)
        stream = io.StringIO()
        assert export_lines(journal, stream) == journal.last_seq == 5_200
        journal.close()
        texts.append(stream.getvalue())
        files.append((tmp_path / name).read_bytes())
    assert texts[0] == texts[1]
    assert files[0] == files[1]
    first = texts[0].splitlines()[0]
    assert first.startswith('{"body":{"amendment":null,"average_price":null,')
    assert first.endswith('"kind":"order","seq":1,"subject":"o0","time":1000}')


def test_parquet_holds_the_same(make, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    journal = make(inline=True)
    fill_with_everything(journal, count=30)
    target = tmp_path / "records.parquet"
    assert export_parquet(journal, target) == journal.last_seq
    table = parquet.read_table(target)
    assert table.column("time").cast("int64").to_pylist() == [record.time for record in journal.records()]
    rows = table.drop_columns("time").to_pydict()  # a datetime has no nanoseconds
    assert rows["seq"] == list(range(1, journal.last_seq + 1))
    assert rows["kind"] == [record.kind for record in journal.records()]
    assert '"order_id":"o0"' in rows["body"][0]
    assert not list(tmp_path.glob("*.part"))


def test_parquet_without_pyarrow_names_the_command(make, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r'pip install "ml4t-live\[parquet\]"'):
        export_parquet(make(), tmp_path / "x.parquet")
    assert not (tmp_path / "x.parquet").exists()


def test_a_whole_journal_has_no_problems(make, path):
    fill_with_everything(make(), count=300)
    assert verify(path) == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("DELETE FROM records WHERE seq = 7", "1 of"),
        ("DELETE FROM orders WHERE order_id = 'o3'", "orders: o3 of record"),
        ("UPDATE orders SET body = '{}' WHERE order_id = 'o3'", "orders: the body of o3 is not that of record"),
        ("DELETE FROM fills WHERE execution_id = 'e9'", 'fills: \\["","","e9"\\] of record'),
        ("UPDATE forecasts SET resolution = NULL WHERE forecast_id = 'f0'", "forecasts: f0 of record"),
        ("UPDATE forecasts SET resolution = '{}' WHERE forecast_id = 'f1'", "f1 has a resolution that no record tells of"),
        ("DELETE FROM fills", "and .* more"),
    ],
)
def test_each_damage_is_named(make, path, damage, words):
    journal = make()
    fill_with_everything(journal, count=60)
    journal.close()
    connection = sqlite3.connect(path)
    connection.execute(damage)
    connection.commit()
    connection.close()
    problems = verify(path)
    assert problems
    assert any(re.search(words, problem) for problem in problems), problems


def test_a_damaged_page_is_found(make, path):
    journal = make()
    fill_with_everything(journal, count=300)
    journal.close()
    with path.open("r+b") as file:
        file.seek(4_096 * 20 + 8)
        file.write(b"\xff" * 3_000)
    problems = verify(path)
    assert problems
    assert all(isinstance(problem, str) for problem in problems)
    assert verify(path.with_name("none"))[0].startswith("there is no journal")


def test_an_unreadable_row_is_quoted(make, path):
    journal = make()
    fill_with_everything(journal, count=3)
    journal.close()
    connection = sqlite3.connect(path)
    connection.execute("""UPDATE orders SET body = '{"order_id": "o1"}' WHERE order_id = 'o1'""")
    connection.execute("""UPDATE orders SET body = '[1]' WHERE order_id = 'o2'""")
    connection.commit()
    connection.close()
    with JournalReader(path) as reader:
        for order_id in ("o1", "o2"):
            with pytest.raises(JournalError, match="Order that cannot be read"):
                reader.order(order_id)
        reader.close()
        with pytest.raises(JournalError, match="not open"):
            reader.orders()


def test_importing_the_journal_imports_no_pyarrow(spawn):
    source = "import ml4t.live.journal, sys; sys.exit(int('pyarrow' in sys.modules))"
    assert spawn(source).wait(60) == 0
