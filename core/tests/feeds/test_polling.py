"""What polling must not do: ask too often, take a running bar for a whole one, tell a bar twice, let one symbol spoil all."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from ml4t.live.errors import NOT_SUBSCRIBED, UNAUTHORIZED, UNKNOWN_SYMBOL, FeedDisconnected, FeedRefused
from ml4t.live.feeds.polling import PollingFeed, RateLimited
from ml4t.live.feeds.polling_config import PollingConfig
from ml4t.live.model import Bar
from ml4t.live.testing import run_virtual
from ml4t.live.times import NANOS

MINUTE = 60 * NANOS
START = 1_767_623_400 * NANOS
"""A whole minute."""


class Sink:
    def __init__(self):
        self.events, self.answers = [], 0

    def push_many(self, events):
        self.events += events

    async def ready(self):
        pass

    def alive(self):
        self.answers += 1

    def minutes(self, symbol="A"):
        return [(event.event_time - START) // MINUTE for event in self.events if event.symbol == symbol]


class Market(PollingFeed):
    """A bar a minute for ever, the running one included; `say(symbol, number of the request)` may raise instead."""

    def __init__(self, clock, say=None, **options):
        options = {"symbols": ["A"], "delay": 0, "requests": 1_000, **options}
        super().__init__(PollingConfig(**options), clock=clock, rng=random.Random(1))
        self.clock = clock
        self.say = say
        self.asked = []
        self.on_the_way = self.most = self.closed = 0
        self.takes = 0.0

    def bar(self, symbol, minute):
        return Bar(symbol, START + minute * MINUTE, 1.0, 1.0, 1.0, 1.0 + minute, 1.0, interval=MINUTE)

    async def fetch(self, symbol, since):
        self.asked.append((symbol, since, self.clock.now()))
        self.on_the_way += 1
        self.most = max(self.most, self.on_the_way)
        try:
            await self.clock.sleep(self.takes)
            if self.say is not None:
                self.say(symbol, sum(each[0] == symbol for each in self.asked))
        finally:
            self.on_the_way -= 1
        running = (self.clock.now() - START) // MINUTE
        return [self.bar(symbol, minute) for minute in range(-3, running + 1)]

    async def close(self):
        self.closed += 1


def run(seconds, say=None, *, act=None, **options):
    """Run a feed for so many seconds; return it and what its sink heard, and with what it ended by itself."""

    async def main(clock):
        feed, sink = Market(clock, say, **options), Sink()
        if act is not None:
            act(feed)
        task = asyncio.create_task(feed.run(sink))
        await asyncio.wait([task], timeout=seconds)
        ended = task.exception() if task.done() else None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return feed, sink, ended

    return run_virtual(main, start=START + 30 * NANOS)


def raises(error, *numbers, symbol="A"):
    def say(asked, number):
        if asked == symbol and number in numbers:
            raise error

    return say


def test_each_complete_bar_comes_once_and_in_order():
    feed, sink, ended = run(600)
    assert ended is None
    assert sink.minutes() == list(range(10))
    assert all(bar.complete and not bar.backfilled for bar in sink.events)
    assert feed.closed == 1


def test_the_history_before_the_run_is_not_pushed_as_news():
    feed, sink, _ = run(20)
    assert feed.asked[0][1] is None
    assert sink.events == []


def test_a_bar_is_not_complete_before_its_delay_is_over():
    _, sink, _ = run(40, delay=20 * NANOS, every=NANOS)
    assert sink.minutes() == []
    _, sink, _ = run(55, delay=20 * NANOS, every=NANOS)
    assert sink.minutes() == [0]


def test_a_running_bar_is_pushed_only_when_asked_for_and_only_when_it_changed():
    _, sink, _ = run(100, every=10 * NANOS, incomplete=True)
    assert [(bar.complete, (bar.event_time - START) // MINUTE) for bar in sink.events] == [
        (False, 0), (True, 0), (False, 1), (True, 1), (False, 2),
    ][: len(sink.events)]  # fmt: skip
    assert len(sink.events) >= 4


def test_a_bar_that_says_it_is_not_complete_is_not():
    def unfinished(feed):
        feed.bar = lambda symbol, minute: Bar(symbol, START + minute * MINUTE, *[1.0] * 5, interval=MINUTE, complete=minute < 0)

    _, sink, _ = run(300, act=unfinished)
    assert sink.events == []


def test_polls_come_after_the_end_of_a_bar():
    feed, _, _ = run(300, delay=5 * NANOS)
    for _, _, moment in feed.asked[1:]:
        assert 5.0 <= (moment % MINUTE) / NANOS < 7.1


def test_an_empty_answer_is_no_history():
    """What a source that answered nothing at first then tells is old: it must not be taken for news."""

    def empty_at_first(feed):
        whole = feed.fetch

        async def fetch(symbol, since):
            bars = await whole(symbol, since)
            return bars if len(feed.asked) > 2 else []

        feed.fetch = fetch

    _, sink, _ = run(300, act=empty_at_first)
    assert sink.minutes() == [2, 3, 4]


def test_the_budget_is_for_all_symbols_together():
    feed, _, _ = run(3_600, symbols=list("ABCDEF"), requests=10, per=10 * MINUTE, every=MINUTE)
    moments = [moment for _, _, moment in feed.asked]
    assert all(sum(begin <= each < begin + 10 * MINUTE for each in moments) <= 10 for begin in moments)
    assert len(moments) == pytest.approx(60, abs=2), "and it is used"
    assert {sum(each[0] == symbol for each in feed.asked) for symbol in "ABCDEF"} <= {10, 11}


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_requests_than_allowed_are_on_their_way_at_once(concurrency):
    feed, _, _ = slow(concurrency)
    assert feed.most == concurrency


def slow(concurrency):
    def takes_long(feed):
        feed.takes = 2.0

    return run(300, symbols=list("ABCDEF"), concurrency=concurrency, act=takes_long)


def test_a_pause_that_the_source_asks_for_is_kept_by_all_symbols():
    feed, _, ended = run(1_000, raises(RateLimited("slower", retry_after=300.0), 2), symbols=["A", "B"])
    limited = next(moment for symbol, _, moment in feed.asked[2:] if symbol == "A")
    later = [moment for _, _, moment in feed.asked if moment > limited]
    assert ended is None
    assert 300.0 <= (later[0] - limited) / NANOS <= 375.0 + 1.0
    assert {symbol for symbol, _, moment in feed.asked if moment > limited} == {"A", "B"}


def test_pauses_without_a_word_of_the_source_double_up_to_an_hour():
    feed, _, _ = run(40_000, raises(RateLimited("slower"), *range(1, 100)))
    moments = [moment / NANOS for _, _, moment in feed.asked]
    pauses = [after - before for before, after in pairwise(moments)]
    for number, pause in enumerate(pauses):
        least = min(60.0 * 2**number, 3_600.0)
        assert least <= pause <= least * 1.25 + 0.1


def test_a_pause_outlives_a_run():
    """The engine runs a silent feed again; the source must not be asked the sooner for it."""

    async def main(clock):
        feed = Market(clock, raises(RateLimited("slower", retry_after=600.0), 1))
        for _ in range(3):
            task = asyncio.create_task(feed.run(Sink()))
            await asyncio.wait([task], timeout=60.0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return feed.asked

    assert len(run_virtual(main, start=START)) == 1


def test_while_the_source_wants_a_pause_it_is_not_said_to_be_well():
    """Silence has to be found by the engine."""
    _, limited, _ = run(900, raises(RateLimited("slower", retry_after=900.0), 1))
    _, well, _ = run(900, every=30 * MINUTE)
    assert limited.answers == 0
    assert well.answers > 100


def test_one_symbols_trouble_is_not_the_others():
    with capture_logs() as logs:
        _, sink, ended = run(600, raises(ValueError("no JSON"), *range(2, 4)), symbols=["A", "B"])
    assert ended is None
    assert sink.minutes("B") == list(range(10))
    assert [each["event"] for each in logs if each.get("symbol") == "A"] == [
        "a symbol cannot be had; it is tried again",
        "a symbol is heard again",
    ]


def test_what_was_missed_meanwhile_comes_flagged_and_nothing_is_left_out():
    _, sink, _ = run(1_500, raises(ValueError("no JSON"), 3, 4, 5), symbols=["A", "B"])
    assert sink.minutes() == list(range(sink.minutes()[-1] + 1))
    flagged = [(bar.event_time - START) // MINUTE for bar in sink.events if bar.backfilled]
    assert flagged == [1, 2, 3, 4], "they had ended before the last request that failed"


def test_a_symbol_that_takes_too_long_is_that_symbols_trouble():
    def stuck(feed):
        whole = feed.fetch

        async def fetch(symbol, since):
            if symbol == "A":
                await feed.clock.sleep(10_000.0)
            return await whole(symbol, since)

        feed.fetch = fetch

    _, sink, ended = run(900, symbols=["A", "B"], concurrency=2, act=stuck)
    assert ended is None
    assert sink.minutes("B") == list(range(15))


def test_when_none_can_be_had_the_source_is_lost():
    _, _, ended = run(600, lambda symbol, number: (_ for _ in ()).throw(ValueError("no JSON")), symbols=["A", "B"])
    assert isinstance(ended, FeedDisconnected)
    assert "no JSON" in str(ended)


def test_a_lost_source_ends_the_run_at_once():
    _, _, ended = run(600, raises(FeedDisconnected("gone"), 2), symbols=["A", "B"])
    assert str(ended) == "gone"


@pytest.mark.parametrize("code", [UNKNOWN_SYMBOL, NOT_SUBSCRIBED])
def test_a_symbol_that_is_refused_is_asked_for_once_and_the_others_go_on(code):
    feed, sink, ended = run(600, raises(FeedRefused("never heard of A", code=code), 1), symbols=["A", "B"])
    assert ended is None
    assert sum(symbol == "A" for symbol, _, _ in feed.asked) == 1
    assert sink.minutes("B") == list(range(10))


def test_when_all_are_refused_so_is_the_feed():
    _, _, ended = run(600, raises(FeedRefused("never heard of A", code=UNKNOWN_SYMBOL), 1))
    assert isinstance(ended, FeedRefused)
    assert ended.code == UNKNOWN_SYMBOL


def test_a_wrong_key_refuses_the_feed_at_once():
    _, _, ended = run(600, raises(FeedRefused("wrong key", code=UNAUTHORIZED), 1), symbols=["A", "B"])
    assert isinstance(ended, FeedRefused)
    assert ended.code == UNAUTHORIZED


def backfilled(start, end, say=None):
    async def main(clock):
        feed = Market(clock, say)
        return feed, await feed.backfill("A", START + start * MINUTE, START + end * MINUTE)

    return run_virtual(main, start=START + 10 * MINUTE + 30 * NANOS)


def test_a_backfill_has_the_complete_bars_between_two_times():
    feed, bars = backfilled(2, 20)
    assert [(bar.event_time - START) // MINUTE for bar in bars] == list(range(2, 10))
    assert all(bar.backfilled and bar.complete for bar in bars)
    assert [(bar.event_time - START) // MINUTE for bar in backfilled(2, 5)[1]] == [2, 3, 4]
    assert feed.closed == 1


def test_a_backfill_uses_the_same_budget_and_waits_for_pauses():
    feed, bars = backfilled(2, 5, raises(RateLimited("slower", retry_after=100.0), 1))
    assert len(bars) == 3
    assert feed.asked[1][2] - feed.asked[0][2] >= 100 * NANOS


def test_a_refused_symbol_has_no_history_and_a_wrong_key_is_told():
    assert backfilled(0, 5, raises(FeedRefused("what?", code=UNKNOWN_SYMBOL), 1))[1] == []
    with pytest.raises(FeedRefused):
        backfilled(0, 5, raises(FeedRefused("wrong key", code=UNAUTHORIZED), 1))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"symbols": []}, "name at least one symbol"),
        ({"every": 0}, "'every' must be > 0"),
        ({"requests": 0}, "'requests' must be > 0"),
        ({"concurrency": 0}, "'concurrency' must be > 0"),
    ],
)
def test_options_that_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        PollingConfig(**{"symbols": ["A"], **options})


def test_a_symbol_named_twice_is_asked_for_once():
    assert PollingConfig(symbols=["A", "B", "A"]).symbols == ("A", "B")
    with pytest.raises(TypeError, match=r'write \["AAPL"\]'):
        PollingConfig(symbols="AAPL")
