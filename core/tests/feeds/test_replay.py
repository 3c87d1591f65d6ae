"""The feed: batches, windows, continuing, backfill, pace."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ml4t.live.bars import BarAggregator, BarBuffer
from ml4t.live.contracts.feed import Backfills, Feed
from ml4t.live.demo import CONFIG
from ml4t.live.feeds.problem import RecordingError
from ml4t.live.feeds.replay import ReplayFeed
from ml4t.live.feeds.replay_config import ReplayConfig
from ml4t.live.model import Bar
from ml4t.live.testing import run_virtual
from ml4t.live.times import NANOS, to_nanoseconds

MINUTE = 60 * NANOS
DAY = 86_400 * NANOS


@pytest.fixture
def minutes(write):
    """Ten minutes of bars of A and B, grouped by symbol as exports are."""
    rows = [
        {"time": minute * 60, "symbol": symbol, "open": 10, "high": 12, "low": 9, "close": minute + 1, "volume": 5}
        for symbol in "BA"
        for minute in range(10)
    ]
    return write("minutes.csv", rows)


@pytest.fixture
def trades(write):
    return write("trades.csv", [{"time": n, "symbol": "A", "price": n + 1, "size": 1} for n in range(10)])


def shape(events):
    return "".join(f"{event.symbol}{event.event_time // MINUTE}" for event in events)


def test_is_a_feed(minutes):
    feed = ReplayFeed(ReplayConfig(path=minutes))
    assert isinstance(feed, Feed)
    assert isinstance(feed, Backfills)
    assert feed.historical
    assert feed.symbols == ("A", "B")
    assert feed.interval == MINUTE


def test_merges_symbols_by_time(minutes, replay):
    assert shape(replay(minutes)) == "".join(f"A{n}B{n}" for n in range(10))


def test_symbols_are_chosen_and_keep_their_order(minutes):
    assert ReplayFeed(ReplayConfig(path=minutes, symbols=["B", "A"])).symbols == ("B", "A")
    assert ReplayFeed(ReplayConfig(path=minutes, symbols=["B"])).symbols == ("B",)


def test_pushes_batches_and_waits_for_room(write, sink):
    path = write("x.csv", [{"time": n, "symbol": "A", "price": n + 1} for n in range(1201)])
    asyncio.run(ReplayFeed(ReplayConfig(path=path)).run(sink))
    assert [len(batch) for batch in sink.batches] == [500, 500, 201]
    assert sink.readied == 3


def test_lets_others_run_although_the_sink_always_has_room(write, sink):
    path = write("x.csv", [{"time": n, "symbol": "A", "price": n + 1} for n in range(5000)])

    async def main():
        task = asyncio.create_task(ReplayFeed(ReplayConfig(path=path)).run(sink))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(main())
    assert 0 < len(sink.events) < 5000


def test_cannot_run_out_of_room(minutes, sink):
    order = []
    sink.push_many = lambda events: order.append("push")

    async def ready():
        order.append("ready")

    sink.ready = ready
    asyncio.run(ReplayFeed(ReplayConfig(path=minutes)).run(sink))
    assert order == ["push", "ready"]


def test_may_run_twice(minutes, sink):
    feed = ReplayFeed(ReplayConfig(path=minutes))
    asyncio.run(feed.run(sink))
    once = sink.events
    asyncio.run(feed.run(sink))
    assert sink.events == once * 2


@pytest.mark.parametrize(
    ("window", "minutes_left"),
    [
        ({"start": "1970-01-01T00:03:00Z"}, range(3, 10)),
        ({"end": "1970-01-01T00:03:00Z"}, range(3)),
        ({"start": datetime(1970, 1, 1, 0, 2, tzinfo=UTC), "end": datetime(1970, 1, 1, 0, 4, tzinfo=UTC)}, (2, 3)),
        ({"start": "1970-01-01", "end": "1970-01-01"}, range(10)),
        ({"start": date(1970, 1, 1), "end": date(1970, 1, 1)}, range(10)),
        ({"start": "1969-12-31T19:08:00", "timezone": "America/New_York"}, (8, 9)),
    ],
)
def test_start_and_end(minutes, replay, window, minutes_left):
    assert shape(replay(minutes, symbols=["A"], **window)) == "".join(f"A{n}" for n in minutes_left)


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ({"start": "2024-01-01"}, "nothing between start and end: it goes from 1970-01-01T00:00:00"),
        ({"end": "1969-01-01"}, "nothing between start and end"),
        ({"start": "1970-01-02", "end": "1970-01-01"}, "start = 1970-01-02 is not before end = 1970-01-01"),
        ({"start": "soon"}, "start: 'soon' is not a time"),
    ],
)
def test_senseless_windows_are_refused(minutes, window, words):
    with pytest.raises(RecordingError, match=words):
        ReplayFeed(ReplayConfig(path=minutes, **window))


class TestContinuing:
    def test_leaves_out_what_was_known(self, minutes, replay):
        # The bar of minute 4 was known at its end, 5:00.
        assert shape(replay(minutes, symbols=["A"], resume_after=5 * MINUTE)) == "A5A6A7A8A9"
        assert shape(replay(minutes, symbols=["A"], resume_after=5 * MINUTE - 1)) == "A4A5A6A7A8A9"

    def test_leaves_out_trades_up_to_their_own_time(self, trades, replay):
        assert [event.price for event in replay(trades, resume_after=7 * NANOS)] == [9.0, 10.0]

    def test_at_the_end_is_nothing(self, minutes, replay):
        assert replay(minutes, resume_after=10 * MINUTE) == []

    def test_never_goes_back_before_the_start(self, minutes, replay):
        assert shape(replay(minutes, symbols=["A"], start="1970-01-01T00:08:00Z", resume_after=0)) == "A8A9"


class TestBackfill:
    def test_is_half_open_and_marked(self, minutes):
        feed = ReplayFeed(ReplayConfig(path=minutes))
        events = asyncio.run(feed.backfill("B", 2 * MINUTE, 4 * MINUTE))
        assert shape(events) == "B2B3"
        assert all(event.backfilled and event.interval == MINUTE and event.source == "replay" for event in events)

    def test_reaches_what_a_continued_run_leaves_out(self, minutes):
        feed = ReplayFeed(ReplayConfig(path=minutes, start="1970-01-01T00:05:00Z"))
        feed.resume_after = 8 * MINUTE
        assert shape(asyncio.run(feed.backfill("A", 0, 8 * MINUTE))) == "A0A1A2A3A4A5A6A7"

    def test_of_trades(self, trades):
        (event,) = asyncio.run(ReplayFeed(ReplayConfig(path=trades)).backfill("A", 3 * NANOS, 4 * NANOS))
        assert (event.price, event.size, event.backfilled) == (4.0, 1.0, True)

    def test_of_an_unknown_symbol_is_empty(self, minutes):
        assert list(asyncio.run(ReplayFeed(ReplayConfig(path=minutes)).backfill("X", 0, DAY))) == []


class TestPace:
    @pytest.mark.parametrize(("speed", "seconds"), [(1.0, 540), (60, 9), (0.5, 1080)])
    def test_real_time_and_multiples_of_it(self, minutes, sink, speed, seconds):
        async def main(clock):
            feed = ReplayFeed(ReplayConfig(path=minutes, speed=speed))
            feed.clock = clock
            await feed.run(sink)
            return clock.now()

        assert run_virtual(main) == pytest.approx(seconds * NANOS)
        assert [shape(batch) for batch in sink.batches] == [f"A{n}B{n}" for n in range(10)]

    def test_each_event_comes_when_it_is_due(self, write, sink):
        path = write("x.csv", [{"time": second, "symbol": "A", "price": 1} for second in (100, 101, 101, 107)])
        came = []

        async def main(clock):
            sink.push_many = lambda events: came.append((clock.now() / NANOS, len(list(events))))
            feed = ReplayFeed(ReplayConfig(path=path, speed=2))
            feed.clock = clock
            await feed.run(sink)

        run_virtual(main)
        assert came == [(0, 1), (0.5, 2), (3.5, 1)]

    def test_time_that_others_take_is_made_up_for(self, write, sink):
        path = write("x.csv", [{"time": second, "symbol": "A", "price": 1} for second in range(4)])

        async def main(clock):
            sink.ready = lambda: clock.sleep(0.75)
            feed = ReplayFeed(ReplayConfig(path=path, speed=1))
            feed.clock = clock
            await feed.run(sink)
            return clock.now()

        assert run_virtual(main) == pytest.approx(3.75 * NANOS)

    def test_max_never_waits(self, minutes, sink):
        async def main(clock):
            feed = ReplayFeed(ReplayConfig(path=minutes))
            feed.clock = clock
            await feed.run(sink)
            return clock.now()

        assert run_virtual(main) == 0


class TestInterval:
    def test_of_daily_data_with_weekends(self, write, replay):
        days = ["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10"]
        path = write("x.csv", [{"date": d, "symbol": "A", "open": 1, "high": 1, "low": 1, "close": 1} for d in days])
        assert {event.interval for event in replay(path)} == {DAY}

    def test_may_be_said(self, minutes, replay):
        assert {event.interval for event in replay(minutes, interval=30 * NANOS)} == {30 * NANOS}

    def test_of_trades_is_none(self, trades):
        assert ReplayFeed(ReplayConfig(path=trades, interval=MINUTE)).interval == 0


def test_renamed_columns(tmp_path, replay):
    path = tmp_path / "x.csv"
    path.write_text("Wann,Was,Kurs\n2024-01-02,A,7\n")
    (event,) = replay(path, columns={"Wann": "timestamp", "Was": "symbol", "Kurs": "price"})
    assert (event.symbol, event.price) == ("A", 7.0)


def test_skipped_rows_are_reported(tmp_path, caplog):
    path = tmp_path / "x.csv"
    path.write_text("time,symbol,price\n1,A,1\n2,A,-1\n3,A,x\n")
    with caplog.at_level(logging.WARNING):
        feed = ReplayFeed(ReplayConfig(path=path, on_bad_row="skip"))
    assert feed.skipped == 2
    assert "2 bad rows skipped, such as line 3: price = -1.0 is not a price" in caplog.text


def test_nothing_but_bad_rows_is_said(tmp_path, replay):
    path = tmp_path / "x.csv"
    path.write_text("time,symbol,price\n1,A,-1\n")
    with pytest.raises(RecordingError, match="has no rows but 1 bad ones"):
        replay(path, on_bad_row="skip")


class TestProgress:
    def test_is_shown_when_asked_for(self, minutes, replay, capsys):
        replay(minutes, progress=True)
        out, err = capsys.readouterr()
        assert out == ""
        assert "100%" in err

    @pytest.mark.parametrize("progress", [None, False])
    def test_is_not_shown_where_nobody_looks(self, minutes, replay, capsys, progress):
        replay(minutes, progress=progress)
        assert capsys.readouterr() == ("", "")


class TestConfig:
    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"speed": 0}, "a number above zero"),
            ({"speed": "fast"}, 'write "max"'),
            ({"speed": float("inf")}, "a number above zero"),
            ({"interval": 0}, "lasts longer"),
            ({"timezone": "Mars/Base"}, "no time zone that this machine knows"),
            ({"kind": "quote"}, "kind"),
            ({"on_bad_row": "guess"}, "on_bad_row"),
            ({"symbols": "AAPL"}, r'write \["AAPL"\]'),
        ],
    )
    def test_senseless_settings_are_refused(self, settings, words):
        with pytest.raises(ValueError, match=words):
            ReplayConfig(path=Path("x.csv"), **settings)

    def test_is_decoded_from_a_file(self, tmp_path):
        from ml4t.live.config.decode import make_converter
        from ml4t.live.config.secret import SecretSource

        raw = {
            "path": "data/x.csv",
            "symbols": ["A"],
            "speed": 60,
            "interval": "1h",
            "start": date(2024, 1, 1),
            "end": "2024-02-01T12:00",
            "columns": {"Ticker": "symbol"},
            "progress": False,
        }
        config = make_converter(tmp_path, SecretSource({}, tmp_path)).structure(raw, ReplayConfig)
        assert config.path == tmp_path / "data/x.csv"
        assert (config.speed, config.interval, config.start) == (60, 3600 * NANOS, date(2024, 1, 1))
        assert (config.end, config.columns, config.symbols) == ("2024-02-01T12:00", {"Ticker": "symbol"}, ("A",))


def test_from_trades_to_groups(write):
    rows = [
        {"time": second, "symbol": symbol, "price": second + 1, "size": 1} for symbol in "AB" for second in range(0, 300, 20)
    ]
    feed = ReplayFeed(ReplayConfig(path=write("x.jsonl", rows)))
    bars, buffer, groups = BarAggregator("1m", flush_timeout_seconds=0), BarBuffer(feed.symbols, ordered=True), []

    class Sink:
        def push_many(self, events):
            for event in events:
                for bar in (*bars.flush(event.event_time), *bars.add(event)):
                    groups.extend(buffer.add(bar))

        async def ready(self):
            pass

    asyncio.run(feed.run(Sink()))
    for bar in bars.close(300 * NANOS):
        groups.extend(buffer.add(bar))
    assert [(moment // MINUTE, list(group)) for moment, group in groups] == [(n, ["A", "B"]) for n in range(5)]
    assert groups[1][1]["B"] == Bar("B", MINUTE, 61.0, 101.0, 61.0, 101.0, 3.0, MINUTE, source="replay")


STOCKS = CONFIG.with_name("stocks.csv.gz")


def test_the_stocks_file(replay):
    events = replay(STOCKS, adjust=True)
    keys = [(event.event_time, event.symbol) for event in events]
    assert keys == sorted(set(keys))
    assert len(events) == 12_154
    assert {event.interval for event in events} == {DAY}
    apple = [event for event in events if event.symbol == "AAPL"]
    assert apple[0].event_time == to_nanoseconds(datetime(2000, 3, 1, tzinfo=UTC))
    assert apple[0].close == 4.186662803811
