"""Recordings: every schema that is played, exact to the nanosecond and to the last digit, and what is wrong with a file."""

from __future__ import annotations

import asyncio
import datetime

import attrs
import databento_dbn as dbn
import pytest
import zstandard
from databento_kit import Ears

from ml4t.live import DataBentoFeed, DatabentoFeed, LiveEngine
from ml4t.live.feeds.problem import RecordingError
from ml4t.live.model import Bar, Quote, Trade
from ml4t.live.times import NANOS
from ml4t_live_databento.config import SCHEMAS
from ml4t_live_databento.dbn_file import CHUNK
from ml4t_live_databento.simulator.encoding import SERIES, Happened, mapping
from ml4t_live_databento.simulator.encoding import metadata as live_metadata


@attrs.frozen
class Interval:
    """The days on which a symbol is an instrument, as the SDK takes it."""

    start_date: datetime.date
    end_date: datetime.date
    symbol: str


@attrs.frozen
class Symbol:
    """What instruments a symbol is."""

    raw_symbol: str
    intervals: list[Interval]


DAY = 86_400 * NANOS
START = 1_609_113_600 * NANOS
"""2020-12-28, a Monday."""
AAPL, MSFT = 38, 5_482
PRICE = 3_702_750_000_001


def header(schema, mappings, dataset="XNAS.ITCH", stype_out=dbn.SType.INSTRUMENT_ID):
    """Return what a download begins with; `mappings` is a list of symbol, first day, days and instrument."""

    def interval(first, days, instrument):
        begin = datetime.date(2020, 12, 28) + datetime.timedelta(days=first)
        return Interval(begin, begin + datetime.timedelta(days=days), str(instrument))

    symbols = list(dict.fromkeys(symbol for symbol, *_ in mappings))
    return dbn.Metadata(
        version=3,
        dataset=dataset,
        schema=dbn.Schema.from_str(schema),
        stype_in=dbn.SType.RAW_SYMBOL,
        stype_out=stype_out,
        start=START,
        end=START + 2 * DAY,
        symbols=symbols,
        mappings=[Symbol(each, [interval(*rest) for symbol, *rest in mappings if symbol == each]) for each in symbols],
    ).encode()


BOTH = [("AAPL", 0, 4, AAPL), ("MSFT", 0, 4, MSFT)]


def happened(symbol, when, price=PRICE, size=5):
    return Happened(symbol, when, price, price + 2, price - 1, price + 1, size)


def played(path, *symbols, **options):
    """Return what a recording brings."""
    ears = Ears()
    asyncio.run(DatabentoFeed(path=path, symbols=symbols, **options).run(ears))
    return ears.events


def expected(schema, symbol, when):
    """Return what one record of a schema tells of; a price is what its digits say."""
    interval = SERIES[schema].interval
    last = 3702.750000002
    quote = Quote(symbol, when + interval, 3702.740000002, 3702.760000002, 10.0, 20.0, None, "databento")
    trade = Trade(symbol, when, last, 5.0, None, "databento")
    if schema.startswith("ohlcv"):
        prices = (3702.750000001, 3702.750000003, 3702.75, last)
        return [Bar(symbol, when, *prices, 5.0, interval, True, False, None, "databento")]
    if schema == "trades":
        return [trade]
    return [quote, trade] if interval == 0 else [quote]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_schema_is_played(tmp_path, schema, compressed):
    step = SERIES[schema].interval or 1
    encode = SERIES[schema].encode
    records = [(symbol, of, START + number * step) for number in range(3) for symbol, of in (("AAPL", AAPL), ("MSFT", MSFT))]
    data = header(schema, BOTH) + b"".join(encode(happened(symbol, when), of) for symbol, of, when in records)
    path = tmp_path / ("x.dbn.zst" if compressed else "x.dbn")
    path.write_bytes(zstandard.compress(data) if compressed else data)
    wanted = [event for symbol, _, when in records for event in expected(schema, symbol, when)]
    assert played(path, "AAPL", "MSFT") == wanted
    assert played(path, "MSFT") == [event for event in wanted if event.symbol == "MSFT"]


def test_undefined_prices_are_not_prices(tmp_path):
    """A book with one side, one without any, a trade and a bar without a price; and snapshots before the first trade."""
    none, never = dbn.UNDEF_PRICE, dbn.UNDEF_TIMESTAMP
    common = {"publisher_id": 2, "instrument_id": AAPL}

    def book(action, price, **level):
        return dbn.MBP1Msg(
            **common,
            ts_event=START,
            price=price,
            size=0,
            action=action,
            side=dbn.Side.NONE,
            depth=0,
            ts_recv=START + 5,
            levels=dbn.BidAskPair(**level),
        )

    records = [
        book(dbn.Action.CLEAR, none),
        book(dbn.Action.ADD, 10**9, ask_px=2 * 10**9, ask_sz=3),
        book(dbn.Action.TRADE, none),
    ]
    path = tmp_path / "x.dbn"
    path.write_bytes(header("mbp-1", BOTH) + b"".join(map(bytes, records)))
    assert played(path, "AAPL") == [Quote("AAPL", START, 0.0, 2.0, 0.0, 3.0, None, "databento")]
    snapshot = dbn.BBOMsg(
        rtype=dbn.RType.BBO_1S,
        **common,
        ts_event=never,
        price=none,
        size=0,
        side=dbn.Side.NONE,
        ts_recv=START + NANOS,
        levels=dbn.BidAskPair(bid_px=10**9, bid_sz=1),
    )
    path.write_bytes(header("bbo-1s", BOTH) + bytes(snapshot))
    assert played(path, "AAPL") == [Quote("AAPL", START + NANOS, 1.0, 0.0, 1.0, 0.0, None, "databento")]
    bar = SERIES["ohlcv-1s"].encode(Happened("AAPL", START, none, none, none, none, 0), AAPL)
    path.write_bytes(header("ohlcv-1s", BOTH) + bar)
    assert not played(path, "AAPL")


def test_an_instrument_is_what_it_was_on_that_day(tmp_path):
    """The same id is one symbol's on Monday and another's on Tuesday, as at Nasdaq."""
    encode = SERIES["trades"].encode
    mappings = [("AAPL", 0, 1, AAPL), ("AAPL", 1, 1, MSFT), ("MSFT", 0, 1, MSFT), ("MSFT", 1, 1, AAPL)]
    days = [(START, 10), (START + DAY - 2_000, 20), (START + DAY, 30)]
    trades = b"".join(encode(happened("x", when, price * 10**9), of) for when, price in days for of in (AAPL, MSFT))
    path = tmp_path / "x.dbn"
    path.write_bytes(header("trades", mappings) + trades)
    assert [(event.symbol, int(event.price)) for event in played(path, "AAPL", "MSFT")] == [
        ("AAPL", 10),
        ("MSFT", 10),
        ("AAPL", 20),
        ("MSFT", 20),
        ("MSFT", 30),
        ("AAPL", 30),
    ]


def test_an_instrument_is_nobody_s_on_a_day_for_which_the_header_does_not_say_so(tmp_path):
    encode = SERIES["trades"].encode
    mappings = [("AAPL", 0, 1, AAPL), ("AAPL", 1, 1, ""), ("MSFT", 0, 2, MSFT)]  # nothing, and a day left out
    trades = b"".join(encode(happened("x", when), of) for when in (START, START + DAY) for of in (AAPL, MSFT))
    path = tmp_path / "x.dbn"
    path.write_bytes(header("trades", mappings) + trades)
    heard = [(event.symbol, event.event_time) for event in played(path, "AAPL", "MSFT")]
    assert heard == [("AAPL", START), ("MSFT", START), ("MSFT", START + DAY)]


def test_a_symbol_that_rolls_in_a_session_gets_no_quiet_bar_at_the_price_of_the_contract_before(tmp_path):
    encode = SERIES["ohlcv-1s"].encode
    ends = [dbn.SystemMsg(ts_event=START + n * NANOS, msg="End", code=dbn.SystemCode.END_OF_INTERVAL) for n in (1, 2)]
    records = [
        mapping("ES.c.0", AAPL, "continuous", START),
        encode(happened("ES.c.0", START), AAPL),
        bytes(ends[0]),
        mapping("ES.c.0", MSFT, "continuous", START),
        bytes(ends[1]),
        encode(happened("ES.c.0", START + 2 * NANOS), MSFT),
    ]
    path = tmp_path / "x.dbn"
    path.write_bytes(live_metadata("GLBX.MDP3", START) + b"".join(records))
    bars = played(path, "ES.c.0", schema="ohlcv-1s")
    assert [bar.event_time for bar in bars] == [START, START + 2 * NANOS]


def test_what_was_written_from_a_live_session_is_played(tmp_path):
    """It names its symbols and intervals in its records, says no schema, and holds other schemas too."""
    one, two = (SERIES[schema].encode for schema in ("ohlcv-1s", "trades"))
    ended = bytes(dbn.SystemMsg(ts_event=START + 2 * NANOS, msg="End", code=dbn.SystemCode.END_OF_INTERVAL))
    records = [
        mapping("AAPL", AAPL, "raw_symbol", START),
        mapping("MSFT", MSFT, "raw_symbol", START),
        one(happened("AAPL", START), AAPL),
        one(happened("MSFT", START), MSFT),
        two(happened("AAPL", START + 1), AAPL),
        SERIES["ohlcv-1m"].encode(happened("AAPL", START), AAPL),
        one(happened("MSFT", START + NANOS), MSFT),
        ended,
        mapping("AAPL", 99, "raw_symbol", START),
        two(happened("AAPL", START + 2), AAPL),
        two(happened("AAPL", START + 3), 99),
    ]
    path = tmp_path / "x.dbn"
    path.write_bytes(live_metadata("XNAS.ITCH", START) + b"".join(records))
    bars = played(path, "AAPL", "MSFT", schema="ohlcv-1s")
    assert [(bar.symbol, bar.event_time - START, bar.volume) for bar in bars] == [
        ("AAPL", 0, 5.0),
        ("MSFT", 0, 5.0),
        ("MSFT", NANOS, 5.0),
        ("AAPL", NANOS, 0.0),
    ]
    assert [event.event_time - START for event in played(path, "AAPL", schema="trades")] == [1, 3]


def recording(path, count=10, schema="trades"):
    step = SERIES[schema].interval or NANOS
    encode = SERIES[schema].encode
    trades = b"".join(
        encode(happened(symbol, START + number * step), of)
        for number in range(count)
        for symbol, of in (("AAPL", AAPL), ("MSFT", MSFT))
    )
    path.write_bytes(header(schema, BOTH) + trades)
    return path


def test_a_pipeline_runs_on_a_recording_at_the_time_of_its_data(tmp_path):
    moments = []

    class Note:
        def on_data(self, timestamp, data, context, broker):
            moments.append((timestamp, sorted(data)))

    feed = DatabentoFeed.from_file(recording(tmp_path / "x.dbn", schema="ohlcv-1s"), ["AAPL", "MSFT"])
    assert feed.historical
    asyncio.run(LiveEngine(Note(), None, feed, state_dir=tmp_path / "state").run())
    assert len(moments) == 10
    assert all(symbols == ["AAPL", "MSFT"] for _, symbols in moments)
    assert moments[0][0].year == 2020


def test_a_history_is_what_lies_between_and_is_flagged(tmp_path):
    feed = DatabentoFeed(path=recording(tmp_path / "x.dbn"), symbols=["AAPL", "MSFT"])
    found = asyncio.run(feed.backfill("MSFT", START + 2 * NANOS, START + 5 * NANOS))
    assert [event.event_time for event in found] == [START + number * NANOS for number in (2, 3, 4)]
    assert all(event.backfilled and event.symbol == "MSFT" for event in found)


@pytest.mark.parametrize(("schema", "left"), [("trades", 6), ("ohlcv-1s", 7)])
def test_a_run_goes_on_after_what_was_known(tmp_path, schema, left):
    """A trade is known when it happened and a bar when it has ended."""
    feed = DatabentoFeed(path=recording(tmp_path / "x.dbn", schema=schema), symbols=["AAPL"])
    feed.resume_after = START + 3 * NANOS
    ears = Ears()
    asyncio.run(feed.run(ears))
    assert len(ears.events) == left


def test_a_recording_is_played_as_fast_as_is_wanted(tmp_path):
    """At a thousand times its speed nine seconds take nine milliseconds, which the clock is asked for."""
    feed = DataBentoFeed.from_file(recording(tmp_path / "x.dbn"), ["AAPL"], replay_speed=1_000.0)
    slept = []

    class Clock:
        def stopwatch(self):
            return round(sum(slept) * NANOS)

        async def sleep(self, seconds):
            slept.append(seconds)

    feed.clock = Clock()
    ears = Ears()
    asyncio.run(feed.run(ears))
    assert len(ears.events) == 10
    assert sum(slept) == pytest.approx(0.009)


def test_the_loop_goes_on_while_a_recording_is_played(tmp_path):
    """A sink that has room never suspends."""
    path = recording(tmp_path / "x.dbn", count=5_000)
    turns = 0

    async def beside():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def run():
        task = asyncio.create_task(beside())
        await DatabentoFeed(path=path, symbols=["AAPL"]).run(Ears())
        task.cancel()

    asyncio.run(run())
    assert turns >= path.stat().st_size // CHUNK


def test_what_is_wrong_with_a_file_is_said_before_it_is_played(tmp_path):
    path = recording(tmp_path / "x.dbn")
    with pytest.raises(RecordingError, match=r"x\.dbn has no IBM, QQQ; its symbols are AAPL, MSFT"):
        DatabentoFeed(path=path, symbols=["IBM", "AAPL", "QQQ"])
    with pytest.raises(RecordingError, match=r"no\.dbn cannot be read: No such file"):
        DatabentoFeed(path=tmp_path / "no.dbn", symbols=["AAPL"])
    (tmp_path / "text.dbn").write_text("timestamp,price\n")
    with pytest.raises(RecordingError, match="is not a DBN file"):
        DatabentoFeed(path=tmp_path / "text.dbn", symbols=["AAPL"])
    (tmp_path / "empty.dbn").write_bytes(b"")
    with pytest.raises(RecordingError, match="is not a DBN file"):
        DatabentoFeed(path=tmp_path / "empty.dbn", symbols=["AAPL"])
    (tmp_path / "raw.dbn").write_bytes(header("trades", BOTH, stype_out=dbn.SType.RAW_SYMBOL))
    with pytest.raises(RecordingError, match=r"raw\.dbn does not say which instruments.*with stype_out instrument_id"):
        DatabentoFeed(path=tmp_path / "raw.dbn", symbols=["AAPL"])
    (tmp_path / "mbo.dbn").write_bytes(header("mbo", BOTH))
    with pytest.raises(RecordingError, match=r"mbo\.dbn holds mbo, and played can be ohlcv-1s"):
        DatabentoFeed(path=tmp_path / "mbo.dbn", symbols=["AAPL"])


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_that_breaks_off_is_not_taken_for_a_whole_one(tmp_path, compressed):
    data = recording(tmp_path / "x.dbn").read_bytes()
    path = tmp_path / "broken"
    path.write_bytes(zstandard.compress(data)[:-20] if compressed else data[:-20])
    with pytest.raises(RecordingError, match=r"ends in the middle|damaged"):
        played(path, "AAPL")
