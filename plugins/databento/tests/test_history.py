"""A range of history: downloaded by Databento's own client from the simulator, kept, played; and what goes wrong with it."""

from __future__ import annotations

import asyncio
import time

import pytest
from databento_kit import Ears, until

from ml4t.live import DatabentoFeed, LiveEngine
from ml4t.live.errors import NOT_SUBSCRIBED, UNAUTHORIZED, UNKNOWN_SYMBOL, FeedRefused
from ml4t.live.feeds.problem import RecordingError
from ml4t.live.model import Bar, Trade
from ml4t.live.testing.conformance.beside import Beside
from ml4t.live.times import NANOS, to_datetime
from ml4t_live_databento.history import FIRST_WAIT, TRIES
from ml4t_live_databento.rig import WRONG, still
from ml4t_live_databento.simulator import DatabentoSimulator, DatabentoSimulatorConfig

COUNT = 20


class Clock:
    """Waits for nothing, and remembers how long it would have been."""

    def __init__(self):
        self.slept = []

    async def sleep(self, seconds):
        if seconds:
            self.slept.append(seconds)
        await asyncio.sleep(0)


@pytest.fixture
def past(source):
    """A simulator in which something has happened; `times` is when."""
    source.times = [source.emit("AAPL", 100.0 + number, 1.0 + number) for number in range(COUNT)]
    source.emit("MSFT", 5.0)
    return source


def feed_of(source, path, **options):
    """Return a feed of the range in which AAPL was traded."""
    given = {"api_key": source.key, "history_url": source.history_url, "dataset": "XNAS.ITCH", "symbols": ["AAPL"]}
    moments = {"start": str(source.times[0]), "end": str(source.times[-1] + 1)}
    feed = DatabentoFeed(path=path, **{**given, "schema": "trades", "history_timeout_seconds": 2.0, **moments, **options})
    feed.clock = Clock()
    return feed


def play(feed):
    """Return what a feed brings."""
    ears = Ears()
    asyncio.run(feed.run(ears))
    return ears.events


def test_a_range_is_downloaded_played_and_kept(past, tmp_path):
    path = tmp_path / "new" / "aapl.dbn.zst"
    feed = feed_of(past, path)
    assert feed.historical
    wanted = [Trade("AAPL", at, 100.0 + n, 1.0 + n, None, "databento") for n, at in enumerate(past.times)]
    assert play(feed) == wanted
    [form] = past.downloads
    assert form["symbols"] == "AAPL"
    assert (form["schema"], form["stype_in"], form["dataset"]) == ("trades", "raw_symbol", "XNAS.ITCH")
    assert play(feed) == wanted  # the same feed, and one of another run without a key
    assert play(feed_of(past, path, api_key=None)) == wanted
    assert len(past.downloads) == 1
    assert [file.name for file in path.parent.iterdir()] == ["127.0.0.1-aapl.dbn.zst"]


def test_bars_of_several_symbols_and_the_end_of_the_range(past, tmp_path):
    past.emits = "ohlcv-1s"
    first = past.emit("AAPL", 1.0)
    past.emit("MSFT", 2.0)
    past.emit("AAPL", 3.0)
    options = {"symbols": ["AAPL", "MSFT"], "schema": "ohlcv-1s", "start": str(first), "end": str(first + NANOS)}
    events = play(feed_of(past, tmp_path / "x.dbn.zst", **options))
    assert {(type(event), event.symbol, event.event_time, event.close) for event in events} == {
        (Bar, "AAPL", first, 1.0),
        (Bar, "MSFT", first, 2.0),
    }


def test_a_history_of_what_was_downloaded(past, tmp_path):
    feed = feed_of(past, tmp_path / "x.dbn.zst")
    found = asyncio.run(feed.backfill("AAPL", past.times[3], past.times[6]))
    assert [event.event_time for event in found] == past.times[3:6]
    assert all(event.backfilled for event in found)


def test_a_run_goes_on_after_what_was_known_and_downloads_nothing_again(past, tmp_path):
    path = tmp_path / "x.dbn.zst"
    play(feed_of(past, path))
    feed = feed_of(past, path)
    feed.resume_after = past.times[9]
    assert [event.event_time for event in play(feed)] == past.times[10:]
    assert len(past.downloads) == 1


def test_a_pipeline_runs_on_a_range_of_a_market_that_was_before_the_simulator(tmp_path):
    calls = []

    class Note:
        def on_data(self, timestamp, data, context, broker):
            calls.append((timestamp, sorted(data)))

    with DatabentoSimulator(DatabentoSimulatorConfig(symbols=("ESH6", "NQH6"))) as source:
        feed = DatabentoFeed(
            path=tmp_path / "x.dbn.zst",
            api_key=source.key,
            history_url=source.history_url,
            dataset="GLBX.MDP3",
            symbols=["ESH6", "NQH6"],
            schema="ohlcv-1h",
            start="2026-01-05",
            end="2026-01-06",
        )
        asyncio.run(LiveEngine(Note(), None, feed, state_dir=tmp_path / "state").run())
    assert len(calls) == 48  # a date alone is still played itself
    assert {str(moment.date()) for moment, _ in calls} == {"2026-01-05", "2026-01-06"}
    assert all(symbols == ["ESH6", "NQH6"] for _, symbols in calls)


REFUSALS = {
    401: (UNAUTHORIZED, "check api_key: Databento's web page shows it under API keys"),
    402: (NOT_SUBSCRIBED, "check dataset, and the licence and the payment of the account"),
    403: (NOT_SUBSCRIBED, "check dataset, and the licence and the payment of the account"),
    404: (UNKNOWN_SYMBOL, "check start, end, symbols, stype_in, dataset and schema"),
    422: (NOT_SUBSCRIBED, "check start, end, symbols, stype_in, dataset and schema"),
}


@pytest.mark.parametrize("status", REFUSALS)
def test_what_has_to_be_mended_is_refused_at_once(past, tmp_path, status):
    code, remedy = REFUSALS[status]
    past.refuse_download(status, "not for you")
    with pytest.raises(FeedRefused) as refused:
        play(feed_of(past, tmp_path / "x.dbn.zst"))
    assert str(refused.value).endswith(f"({status}: not for you); {remedy}")
    assert refused.value.code == code
    assert len(past.downloads) == 1
    assert not [*tmp_path.iterdir()]


def test_a_wrong_key_is_refused_and_not_shown(past, tmp_path):
    with pytest.raises(FeedRefused, match=r"refuses the download \(401: Authentication failed\.\); check api_key") as refused:
        play(feed_of(past, tmp_path / "x.dbn.zst", api_key=WRONG))
    assert WRONG not in str(refused.value)


def test_a_range_that_is_not_there_yet_is_refused(past, tmp_path):
    later = str(to_datetime(time.time_ns()).year + 1)
    with pytest.raises(FeedRefused, match=r"422: The dataset's available range ends.*check start, end"):
        play(feed_of(past, tmp_path / "x.dbn.zst", end=f"{later}-01-01"))


def test_symbols_that_are_not_known_are_refused(past, tmp_path):
    with pytest.raises(FeedRefused, match=r"None of the symbols could be resolved\.\); check start, end, symbols"):
        play(feed_of(past, tmp_path / "x.dbn.zst", symbols=["NOSUCH"]))
    with pytest.raises(RecordingError, match=r"x\.dbn\.zst has no NOSUCH; its symbols are AAPL"):
        play(feed_of(past, tmp_path / "x.dbn.zst", symbols=["AAPL", "NOSUCH"]))


PASSING = {
    "429 with a time": (lambda source: source.refuse_download(429, "too fast", retry_after=7), 7.0, "429: too fast"),
    "429 without": (lambda source: source.refuse_download(429, "too fast"), FIRST_WAIT, "429: too fast"),
    "503": (lambda source: source.refuse_download(503, "maintenance"), FIRST_WAIT, "503: maintenance"),
    "504": (lambda source: source.refuse_download(504, "x"), FIRST_WAIT, "504: x"),
    "cut": (lambda source: source.cut_download(200), FIRST_WAIT, "the download from Databento broke off"),
    "cut in the header": (lambda source: source.cut_download(3), FIRST_WAIT, "the download from Databento broke off"),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_by_itself_is_tried_again(past, tmp_path, name):
    fail, seconds, _ = PASSING[name]
    fail(past)
    feed = feed_of(past, tmp_path / "x.dbn.zst")
    assert len(play(feed)) == COUNT
    assert feed.clock.slept == [seconds]
    assert len(past.downloads) == 2


@pytest.mark.parametrize("name", PASSING)
def test_what_does_not_pass_is_said_in_the_end(past, tmp_path, name):
    fail, _, words = PASSING[name]
    for _ in range(TRIES):
        fail(past)
    feed = feed_of(past, tmp_path / "x.dbn.zst")
    with pytest.raises(RecordingError) as failed:
        play(feed)
    assert words in str(failed.value)
    assert str(failed.value).endswith(f"it was tried {TRIES} times, try again later")
    assert len(feed.clock.slept) == TRIES - 1
    assert feed.clock.slept == sorted(feed.clock.slept)
    assert not [*tmp_path.iterdir()]


def test_nobody_is_there(past, tmp_path):
    url = "http://127.0.0.1:9"
    with pytest.raises(RecordingError, match=rf"history at {url} cannot be reached; it was tried {TRIES} times"):
        play(feed_of(past, tmp_path / "x.dbn.zst", history_url=url))


@pytest.mark.parametrize("after", [3, 60, 200, 60_000])
def test_a_download_that_ends_early_as_if_it_was_whole_is_no_file(past, tmp_path, after):
    past.times += past.burst("AAPL", [100.0 + number % 997 / 100 for number in range(20_000)])
    for _ in range(TRIES):
        past.cut_download(after, quietly=True)
    feed = feed_of(past, tmp_path / "x.dbn.zst")
    with pytest.raises(RecordingError, match=f"broke off, or is damaged; it was tried {TRIES} times"):
        play(feed)
    assert not [*tmp_path.iterdir()]


def test_a_history_that_never_answers_ends_in_time_and_the_loop_goes_on(past, tmp_path):
    past.hang_downloads(True)
    feed = feed_of(past, tmp_path / "x.dbn.zst", history_timeout_seconds=1.0)

    async def run():
        async with Beside() as beside:
            with pytest.raises(RecordingError, match="does not answer in time"):
                await feed.run(Ears())
        assert beside.longest < 0.5, "half of the time that it is given"

    asyncio.run(run())


def test_a_run_that_is_cancelled_does_not_wait_for_its_download(past, tmp_path):
    past.hang_downloads(True)

    async def run():
        running = asyncio.create_task(feed_of(past, tmp_path / "x.dbn.zst", history_timeout_seconds=3_600.0).run(Ears()))
        await until(lambda: past.downloads)
        running.cancel()
        await asyncio.wait_for(asyncio.gather(running, return_exceptions=True), 60)
        assert running.cancelled()

    asyncio.run(run())


def test_what_a_simulator_made_up_is_not_taken_for_history(past, tmp_path):
    path = tmp_path / "x.dbn.zst"
    play(feed_of(past, path))
    assert not path.exists()
    with pytest.raises(ValueError, match="api_key is missing"):
        feed_of(past, path, history_url="https://hist.databento.com", api_key=None)


def test_a_file_of_something_else_is_not_taken_for_the_range(past, tmp_path):
    path = tmp_path / "x.dbn.zst"
    play(feed_of(past, path))
    other = [{"end": str(past.times[-1] + 2)}, {"start": str(past.times[0] - 1)}, {"schema": "tbbo"}, {"dataset": "EQUS.MINI"}]
    for options in other:
        with pytest.raises(RecordingError, match=r"holds XNAS\.ITCH trades from .* delete it to have it downloaded anew"):
            feed_of(past, path, **options)
    with pytest.raises(RecordingError, match=r"has no MSFT; its symbols are AAPL"):
        feed_of(past, path, symbols=["MSFT"])
    assert len(past.downloads) == 1


def test_a_file_that_cannot_be_written_is_said(past, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match=r"x\.dbn cannot be written: "):
        play(feed_of(past, tmp_path / "file" / "x.dbn"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"end": None}, "start and end belong together"),
        ({"start": None}, "start and end belong together"),
        ({"path": None}, "path is missing; say where the range from start to end is kept"),
        ({"start": "2026-01-07"}, "start = 2026-01-07 is not before end = 2026-01-06"),
        ({"start": "yesterday"}, "'yesterday' is not a time"),
        ({"api_key": None}, "api_key is missing"),
        ({"dataset": ""}, "dataset is missing"),
        ({"history_url": "http://example.com"}, "write https://"),
        ({"history_url": "127.0.0.1:80"}, "write https://"),
    ],
)
def test_what_is_typed_wrong_is_said(tmp_path, monkeypatch, options, words):
    monkeypatch.delenv("DATABENTO_API_KEY", raising=False)
    given = {"path": tmp_path / "x.dbn", "start": "2026-01-05", "end": "2026-01-06", "api_key": "k", "dataset": "GLBX.MDP3"}
    with pytest.raises(ValueError, match=words):
        DatabentoFeed(symbols=["ESH6"], **{**given, **options})


def test_two_that_want_it_at_once_have_it_downloaded_once(past, tmp_path):
    feed = feed_of(past, tmp_path / "x.dbn.zst")

    async def run():
        await asyncio.gather(feed.run(Ears()), feed.backfill("AAPL", 0, 1))

    asyncio.run(run())
    assert len(past.downloads) == 1


def test_without_a_market_there_is_nothing_to_download(tmp_path):
    with still() as source:
        source.times = [time.time_ns() - 10 * NANOS, time.time_ns() - 5 * NANOS]
        assert not play(feed_of(source, tmp_path / "x.dbn.zst"))
