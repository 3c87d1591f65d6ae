"""What is in the files, when, and what happens when a disk, a loop or a run fails."""

from __future__ import annotations

import asyncio
import csv
import json
import threading
from pathlib import Path

import pytest

from ml4t.live import LiveEngine, LiveRiskConfig, Strategy
from ml4t.live.contracts import ClosingObserver, Observer, RuntimeEvent
from ml4t.live.model import Direction, Fill, Forecast, ForecastState, Order, OrderSide, OrderState, Resolution, Trade
from ml4t.live.times import NANOS
from observer_csv import observer as module
from observer_csv.config import CsvConfig
from observer_csv.files import CsvFile
from observer_csv.observer import CsvObserver
from observer_csv.rows import COLUMNS

TIME = 1_767_623_400 * NANOS + 7
STAMP = "2026-01-05T14:30:00.000000007Z"
ORDER = Order("o1", "AAPL", OrderSide.BUY, 10.0, limit_price=99.5, state=OrderState.WORKING, reason='says "no", twice\nor more')
FILL = Fill("e1", "o1", "AAPL", OrderSide.BUY, 10.0, 99.25, TIME, commission=0.35)
FORECAST = Forecast("AAPL", 3_600 * NANOS, price=101.0, direction=Direction.UP, confidence=0.6, model="drift", forecast_id="f1")
RESOLUTION = Resolution("f1", ForecastState.RESOLVED, TIME, price=100.5, direction_hit=True, absolute_error=0.5)


def event(kind, body, subject="AAPL", time=TIME):
    return RuntimeEvent(time, kind, subject, body)


def written(folder, *events, **options):
    async def main():
        observer = CsvObserver(CsvConfig(folder=folder, **options))
        for each in events:
            if each.kind in observer.kinds:
                await observer.on_event(each)
        await observer.close()

    asyncio.run(main())


def read(path: Path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_orders_and_fills(tmp_path):
    written(tmp_path / "csv", event("intent", ORDER), event("order", ORDER), event("fill", FILL))
    [first, _] = read(tmp_path / "csv" / "orders.csv")
    assert first["time"] == STAMP
    assert (first["side"], first["state"], first["quantity"], first["limit_price"]) == ("buy", "working", "10.0", "99.5")
    assert first["reason"] == ORDER.reason, "quotes, commas and line ends come back as they were"
    assert first["average_price"] == ""
    [fill] = read(tmp_path / "csv" / "fills.csv")
    assert (fill["execution_id"], fill["price"], fill["commission"], fill["traded_at"]) == ("e1", "99.25", "0.35", STAMP)


def test_forecasts_and_what_became_of_them(tmp_path):
    written(tmp_path, event("forecast", FORECAST), event("resolution", RESOLUTION))
    said, became = read(tmp_path / "forecasts.csv")
    assert (said["kind"], said["model"], said["horizon_seconds"], said["direction"]) == ("forecast", "drift", "3600.0", "up")
    assert (became["kind"], became["forecast_id"], became["state"], became["direction_hit"]) == (
        "resolution", "f1", "resolved", "True",
    )  # fmt: skip


def test_health_keeps_whatever_is_told(tmp_path):
    odd = {"state": "lost", "why": object, "number": 1}
    written(tmp_path, event("health", odd, "feed main"), event("error", "a text"), event("run", {"ended": True}))
    lost, text, run = read(tmp_path / "health.csv")
    assert lost["subject"] == "feed main"
    assert json.loads(lost["body"])["state"] == "lost"
    assert json.loads(text["body"]) == {"text": "a text"}
    assert json.loads(run["body"]) == {"ended": True}


def test_only_the_tables_that_are_wanted(tmp_path):
    written(tmp_path, event("order", ORDER), event("fill", FILL), tables=["fills"])
    assert [path.name for path in tmp_path.iterdir()] == ["fills.csv"]
    assert CsvObserver(CsvConfig(folder=tmp_path, tables=["fills"])).kinds == {"fill"}


def test_another_run_goes_on_behind_the_last_row(tmp_path):
    written(tmp_path, event("fill", FILL))
    written(tmp_path, event("fill", FILL))
    assert len(read(tmp_path / "fills.csv")) == 2


def test_files_are_for_their_user_only(tmp_path):
    written(tmp_path, event("fill", FILL))
    assert (tmp_path / "fills.csv").stat().st_mode & 0o077 == 0


def test_a_file_that_is_full_is_put_aside_and_only_so_many_are_kept(tmp_path):
    for number in range(5):
        written(tmp_path, event("fill", FILL, time=TIME + number), tables=["fills"], max_mib=1e-6, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fills.csv", "fills.csv.1", "fills.csv.2"]
    times = [read(tmp_path / name)[0]["time"][-3:-1] for name in ("fills.csv", "fills.csv.1", "fills.csv.2")]
    assert times == ["11", "10", "09"], "1 is the newest of those put aside"


def test_a_file_with_other_columns_is_put_aside(tmp_path):
    (tmp_path / "fills.csv").write_text("made,by,another,version\n1,2,3,4\n")
    written(tmp_path, event("fill", FILL), tables=["fills"])
    assert (tmp_path / "fills.csv.1").read_text().startswith("made,by")
    assert len(read(tmp_path / "fills.csv")) == 1


def test_a_file_that_was_moved_away_is_begun_again(tmp_path):
    written(tmp_path, event("fill", FILL), tables=["fills"])
    (tmp_path / "fills.csv").rename(tmp_path / "elsewhere")
    written(tmp_path, event("fill", FILL), tables=["fills"])
    assert len(read(tmp_path / "fills.csv")) == 1


def test_rows_reach_the_file_while_the_run_goes_on(tmp_path):
    async def main():
        observer = CsvObserver(CsvConfig(folder=tmp_path, flush_seconds=0.01))
        for count in (1, 2, 3):
            await observer.on_event(event("fill", FILL))
            async with asyncio.timeout(10):
                while not (tmp_path / "fills.csv").exists() or len(read(tmp_path / "fills.csv")) < count:  # noqa: ASYNC110
                    await asyncio.sleep(0.002)
        await observer.close()
        assert len(read(tmp_path / "fills.csv")) == 3

    asyncio.run(main())


def test_a_disk_that_stands_still_does_not_hold_up_the_loop(tmp_path, monkeypatch):
    release, begun, threads = threading.Event(), threading.Event(), set()
    append = CsvFile.append

    def slow(self, rows):
        threads.add(threading.current_thread())
        begun.set()
        assert release.wait(30)
        append(self, rows)

    monkeypatch.setattr(CsvFile, "append", slow)

    async def main():
        observer = CsvObserver(CsvConfig(folder=tmp_path, flush_seconds=0.001))
        await observer.on_event(event("fill", FILL))
        async with asyncio.timeout(10):
            while not begun.is_set():  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        for _ in range(1_000):
            await observer.on_event(event("fill", FILL))
        release.set()
        await observer.close()

    asyncio.run(main())
    assert len(read(tmp_path / "fills.csv")) == 1_001
    assert threading.main_thread() not in threads


def test_when_too_many_rows_wait_the_observer_waits_so_that_core_counts_what_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 5)

    async def main():
        observer = CsvObserver(CsvConfig(folder=tmp_path, flush_seconds=3_600.0))
        for _ in range(4):
            await observer.on_event(event("fill", FILL))
        fifth = asyncio.create_task(observer.on_event(event("fill", FILL)))
        await asyncio.wait([fifth], timeout=0.05)
        assert not fifth.done()
        fifth.cancel()
        await asyncio.gather(fifth, return_exceptions=True)
        await observer.close()

    asyncio.run(main())
    assert len(read(tmp_path / "fills.csv")) == 5


def test_a_full_disk_is_told_and_nothing_is_lost_when_there_is_room_again(tmp_path, monkeypatch):
    append = CsvFile.append
    full = [True]

    def fails(self, rows):
        if full[0]:
            raise OSError(28, "No space left on device")
        append(self, rows)

    monkeypatch.setattr(CsvFile, "append", fails)

    async def main():
        observer = CsvObserver(CsvConfig(folder=tmp_path, flush_seconds=0.001))
        told = []
        await observer.on_event(event("fill", FILL))
        async with asyncio.timeout(10):
            while not told:
                await asyncio.sleep(0.002)
                try:
                    await observer.on_event(event("fill", FILL))
                except OSError as error:
                    told.append(error)
        full[0] = False
        await observer.on_event(event("fill", FILL))
        count = len(observer._waiting["fills"])
        await observer.close()
        return count, told

    count, told = asyncio.run(main())
    assert "No space left" in str(told[0])
    assert len(read(tmp_path / "fills.csv")) == count > 2


def test_half_a_row_is_taken_back(tmp_path):
    file = CsvFile(tmp_path / "x.csv", ["a"], max_bytes=10**6, keep=1)
    file.append([["1"]])
    before = (tmp_path / "x.csv").read_bytes()

    class Full(Exception):
        pass

    def rows():
        yield ["2"]
        raise Full

    with pytest.raises(Full):
        file.append(rows())
    assert (tmp_path / "x.csv").read_bytes() == before


def test_in_a_run_everything_up_to_its_end_is_in_the_files(tmp_path):
    class Buys(Strategy):
        def on_data(self, timestamp, data, context, broker):
            if "A" in data and not broker.get_positions():
                broker.submit_order("A", 1)

    class Trades:
        symbols = ("A",)
        historical = True

        async def run(self, sink):
            sink.push_many([Trade("A", TIME + second * NANOS, 100.0, 1.0) for second in range(10)])

    observer = CsvObserver(CsvConfig(folder=tmp_path / "csv", flush_seconds=3_600.0))
    engine = LiveEngine(
        Buys(),
        None,
        Trades(),
        risk=LiveRiskConfig(shadow_mode=True),
        state_dir=tmp_path / "state",
        observers=[("csv", observer)],
    )
    asyncio.run(engine.run())
    assert {row["state"] for row in read(tmp_path / "csv" / "orders.csv")} >= {"filled"}
    assert len(read(tmp_path / "csv" / "fills.csv")) == 1
    last = read(tmp_path / "csv" / "health.csv")[-1]
    assert last["kind"] == "run"
    assert json.loads(last["body"])["ended"] is True


def test_it_is_an_observer_that_closes():
    observer = CsvObserver(CsvConfig(folder="x"))
    assert isinstance(observer, Observer)
    assert isinstance(observer, ClosingObserver)


def test_every_column_is_a_field_of_what_it_tells():
    known = {"time", "kind", "subject", "body", "traded_at", "horizon_seconds"}
    for table, kinds in {"orders": [Order], "fills": [Fill], "forecasts": [Forecast, Resolution]}.items():
        names = known | {name for kind in kinds for name in kind.__slots__}
        assert set(COLUMNS[table]) <= names


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tables": []}, "name at least one table"),
        ({"tables": ["trades"]}, "must be in"),
        ({"flush_seconds": 0.0}, "'flush_seconds' must be > 0"),
        ({"keep": 0}, "'keep' must be >= 1"),
    ],
)
def test_options_that_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        CsvConfig(folder="x", **options)
