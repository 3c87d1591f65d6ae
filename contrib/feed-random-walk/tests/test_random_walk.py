"""The feed: what it promises about seeds, order, prices and backfill."""

from __future__ import annotations

import asyncio
import math
import statistics
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed_random_walk.config import RandomWalkConfig
from feed_random_walk.feed import RandomWalkFeed
from ml4t.live.contracts import Backfills, Feed
from ml4t.live.model import Bar, Trade
from ml4t.live.times import NANOS, to_nanoseconds

MINUTE = 60 * NANOS
START = datetime(2025, 6, 2, 13, 30, tzinfo=UTC)


class Recorder:
    """A sink that keeps everything, and can stop the feed after some batches."""

    def __init__(self, batches: int | None = None) -> None:
        self.events: list = []
        self.batches: list[int] = []
        self.waited = 0
        self._left = batches

    def push(self, event):
        self.push_many([event])

    def push_many(self, events):
        assert self.waited == len(self.batches), "the feed waits for room before it pushes more"
        self.batches.append(len(before := list(events)))
        self.events += before

    async def ready(self):
        self.waited += 1
        if self._left is not None and self.waited >= self._left:
            asyncio.current_task().cancel()

    def alive(self):
        raise AssertionError("a synthetic source has no heartbeat")


def config(**options) -> RandomWalkConfig:
    return RandomWalkConfig(**{"symbols": ["AAPL", "MSFT"], "start": START, "count": 50, **options})


def played(**options) -> list:
    sink = Recorder()
    asyncio.run(RandomWalkFeed(config(**options)).run(sink))
    return sink.events


def of(symbol, events):
    return [event for event in events if event.symbol == symbol]


@pytest.mark.parametrize("kind", ["trade", "bar"])
def test_the_same_seed_gives_the_same_events(kind):
    events = played(kind=kind, seed=7)
    assert events == played(kind=kind, seed=7)
    assert events != played(kind=kind, seed=8)
    assert len(events) == 100


def test_the_same_seed_gives_the_same_events_in_another_process():
    code = (
        "from feed_random_walk.config import RandomWalkConfig as C; from feed_random_walk.walk import walk;"
        "print([e.price for e in walk(C(symbols=['AAPL'], seed=7, count=20), 'AAPL')])"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert runs[0].strip() == str([event.price for event in of("AAPL", played(seed=7, count=20))])


@pytest.mark.parametrize("kind", ["trade", "bar"])
def test_a_symbol_does_not_depend_on_the_others(kind):
    both = played(kind=kind)
    assert of("AAPL", both) == played(kind=kind, symbols=["AAPL"])
    assert [e.symbol for e in both[:4]] == ["AAPL", "MSFT", "AAPL", "MSFT"]
    moves = {symbol: [event.event_time for event in of(symbol, both)] for symbol in ("AAPL", "MSFT")}
    assert moves["AAPL"] == moves["MSFT"]
    assert [_close(e) for e in of("AAPL", both)] != [_close(e) for e in of("MSFT", both)]


def _close(event) -> float:
    return event.price if isinstance(event, Trade) else event.close


@pytest.mark.parametrize("kind", ["trade", "bar"])
def test_events_come_in_order_of_time_from_the_start(kind):
    times = [event.event_time for event in played(kind=kind, step=5 * MINUTE)]
    assert times == sorted(times)
    assert times[0] == to_nanoseconds(START)
    assert times[-1] == to_nanoseconds(START + timedelta(minutes=5 * 49))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(), volatility=st.floats(0, 1), start_price=st.floats(1e-6, 1e6))
def test_bars_are_bars(seed, volatility, start_price):
    bars = played(kind="bar", seed=seed, volatility=volatility, start_price=start_price, symbols=["AAPL"])
    assert bars[0].open == start_price
    for bar in bars:
        assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high < math.inf
        assert bar.volume > 0
        assert bar.complete
        assert not bar.backfilled
        assert bar.interval == MINUTE
        assert bar.source == "random-walk"
    assert all(before.close == after.open for before, after in pairwise(bars))


@pytest.mark.parametrize("kind", ["trade", "bar"])
def test_the_volatility_is_per_step(kind):
    closes = [_close(event) for event in played(kind=kind, volatility=0.01, count=4_000, symbols=["AAPL"])]
    returns = [math.log(after / before) for before, after in pairwise(closes)]
    assert statistics.stdev(returns) == pytest.approx(0.01, rel=0.05)
    assert abs(statistics.fmean(returns)) < 4 * 0.01 / 4_000**0.5


def test_without_volatility_nothing_moves():
    assert {trade.price for trade in played(volatility=0.0)} == {100.0}


def test_the_wildest_walk_stays_a_number():
    prices = [trade.price for trade in played(volatility=1.0, count=20_000, symbols=["AAPL"])]
    assert max(prices) == pytest.approx(100 * math.exp(20)), "here it was held back"
    assert min(prices) == pytest.approx(100 * math.exp(-20))


def test_it_waits_for_room_between_batches():
    sink = Recorder()
    asyncio.run(RandomWalkFeed(config(count=400)).run(sink))
    assert sink.batches == [256, 256, 256, 32]
    assert sink.waited == 4


def test_an_endless_walk_can_be_cancelled():
    sink = Recorder(batches=5)

    async def cancelled():
        await asyncio.create_task(RandomWalkFeed(config(count=None)).run(sink))

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    assert len(sink.events) == 5 * 256


@settings(deadline=None, max_examples=40)
@given(kind=st.sampled_from(["trade", "bar"]), bounds=st.tuples(st.integers(-10, 70), st.integers(-10, 70)))
def test_backfill_is_the_part_of_the_run_that_was_asked_for(kind, bounds):
    start, end = (to_nanoseconds(START) + minutes * MINUTE for minutes in sorted(bounds))
    feed = RandomWalkFeed(config(kind=kind))
    filled = asyncio.run(feed.backfill("MSFT", start, end))
    seen = [event for event in of("MSFT", played(kind=kind)) if start <= event.event_time < end]
    assert [(event.event_time, _close(event)) for event in filled] == [(event.event_time, _close(event)) for event in seen]
    assert all(event.backfilled for event in filled)


def test_backfill_of_an_endless_walk_and_of_a_stranger():
    feed = RandomWalkFeed(config(count=None))
    start = to_nanoseconds(START)
    assert len(asyncio.run(feed.backfill("AAPL", start, start + 60 * MINUTE))) == 60
    assert asyncio.run(feed.backfill("TSLA", start, start + 60 * MINUTE)) == []


def test_no_events_at_all():
    assert played(count=0) == []


def test_it_says_whether_the_data_move_the_clock():
    assert RandomWalkFeed(config()).historical is True
    assert RandomWalkFeed(config(historical=False)).historical is False
    assert RandomWalkFeed(config()).symbols == ("AAPL", "MSFT")


def test_it_is_a_feed_that_backfills():
    assert isinstance(RandomWalkFeed(config()), Feed)
    assert isinstance(RandomWalkFeed(config()), Backfills)
    assert isinstance(played(kind="bar")[0], Bar)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"symbols": []}, "is empty; name at least one symbol"),
        ({"kind": "quote"}, "'kind' must be in"),
        ({"start_price": 0.0}, "'start_price' must be > 0"),
        ({"volatility": -0.1}, "'volatility' must be >= 0"),
        ({"volatility": 20}, "'volatility' must be <= 1"),
        ({"step": 0}, "'step' must be > 0"),
        ({"count": -1}, "'count' must be >= 0"),
        ({"start": START.replace(tzinfo=None)}, "has no time zone; add one"),
    ],
)
def test_a_refusal_says_what_is_wrong(options, words):
    with pytest.raises(ValueError, match=words):
        config(**options)


def test_one_string_is_not_a_list():
    with pytest.raises(TypeError, match=r'write \["AAPL"\]'):
        config(symbols="AAPL")
