"""Feeds that fall silent, break and refuse: reconnected, their holes found and filled, and never for ever."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from engine_kit import MINUTE, SECOND, START, Diary, limits, read, trade

from ml4t.live import LiveEngine
from ml4t.live.config.settings import EngineSettings
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.errors import FeedDisconnected, FeedRefused
from ml4t.live.model import Bar, Trade
from ml4t.live.testing import run_virtual


class Scripted:
    """A live feed whose every connection is the next step of a script; a step is `async (feed, sink)`."""

    historical = False

    def __init__(self, clock, *steps, symbols=("A",)):
        self.clock, self.steps, self.symbols = clock, list(steps), symbols
        self.connected_at = []

    def now(self):
        return self.clock.now() - START

    async def run(self, sink):
        self.connected_at.append(self.now())
        step = self.steps.pop(0) if self.steps else None
        if step is not None:
            await step(self, sink)

    async def ticks(self, sink, count, every=SECOND, symbols=None):
        for _ in range(count):
            due = (self.clock.now() // every + 1) * every
            await self.clock.sleep((due - self.clock.now()) / SECOND)
            for symbol in symbols or self.symbols:
                sink.push(Trade(symbol, due, 100.0, 1.0))


class Remembers(Scripted):
    """The same, with a history of a trade a second."""

    asked = ()

    async def backfill(self, symbol, start, end):
        self.asked = [*self.asked, (symbol, start - START, end - START)]
        first = -(-start // SECOND) * SECOND
        return [Trade(symbol, at, 100.0, 1.0, backfilled=True) for at in range(first, end, SECOND)]


def live(tmp_path, make, *, strategy=None, bars=None, triggers=(), risk=None, **settings):
    """Run a live feed on virtual time; return the diary, the feed, what the journal tells, and what was raised."""
    diary = strategy or Diary()

    async def main(clock):
        feed = make(clock)
        feeds = feed if isinstance(feed, list) else [feed]
        engine = LiveEngine(
            diary,
            None,
            feeds,
            risk=risk or limits(),
            bars=bars,
            triggers=triggers,
            state_dir=tmp_path,
            clock=clock,
            seed=1,
            settings=EngineSettings(**settings),
        )
        raised = None
        try:
            await engine.run()
        except Exception as error:  # noqa: BLE001 - the tests look at it
            raised = error
        return diary, feed, read(engine.state_folder.journal), raised

    return run_virtual(main, start=START)


def lose(feed, sink):
    raise FeedDisconnected("cut")


def after(count, then=lose, **how):
    """A connection of so many ticks, and then a cut."""

    async def step(feed, sink):
        await feed.ticks(sink, count, **how)
        if then is not None:
            then(feed, sink)

    return step


async def silence(feed, sink):
    await asyncio.get_running_loop().create_future()


def test_a_cut_line_is_a_gap_per_symbol_and_the_strategy_misses_nothing(tmp_path):
    def make(clock):
        return Remembers(clock, after(10), after(5), after(10, None), symbols=("A", "B"))

    diary, feed, story, raised = live(tmp_path, make, reconnect_first_seconds=3.0)

    assert raised is None
    times = [at for at, _ in diary.calls]
    assert times == list(range(SECOND, times[-1] + 1, SECOND)), "no hole and nothing twice"
    assert all(sorted(data) == ["A", "B"] for _, data in diary.calls)
    gaps = story.bodies("gap")
    assert [gap["symbol"] for gap in gaps] == ["A", "B"] * 2
    assert {gap["reason"] for gap in gaps} == {"disconnect"}
    assert gaps[0]["start"] - START == 10 * SECOND
    assert gaps[0]["end"] - START > feed.connected_at[1]
    between = range(gaps[0]["start"] + SECOND, gaps[0]["end"] - 1, SECOND)
    assert gaps[0]["recovered"] == len(between)
    assert feed.connected_at[0] == 0
    assert all(at >= 10 * SECOND for at in feed.connected_at[1:])


def test_what_the_history_has_already_does_not_come_again(tmp_path):
    """A trade happens while the history is read: the history has it, and the stream brings it a moment later."""

    class Overtaken(Remembers):
        async def backfill(self, symbol, start, end):
            await self.clock.sleep(2.5)
            return await super().backfill(symbol, start, self.clock.now())

    async def late(feed, sink):
        sink.alive()
        await feed.clock.sleep(4)
        for seconds in range(6, 12):
            sink.push(Trade("A", START + seconds * SECOND, 100.0, 1.0))

    diary, _, _, raised = live(tmp_path, lambda clock: Overtaken(clock, after(5), late), reconnect_first_seconds=1.0)

    assert raised is None
    assert [at // SECOND for at, _ in diary.calls] == list(range(1, 12))


MOMENT = START + 5 * SECOND
LATER = MOMENT + SECOND


def made(at, *whats, **more):
    """Return trades of one moment, each of a number, or of a price where that is a float."""
    return [
        Trade("A", at, what, 1.0, **more) if isinstance(what, float) else Trade("A", at, 100.0, 1.0, trade_id=str(what), **more)
        for what in whats
    ]


@pytest.mark.parametrize(
    ("before", "missed", "after_", "late"),
    [
        ([1], [2, 3], [4], [5]),
        ([100.1], [100.2, 100.3], [100.4], [100.5]),
        ([100.1], [100.1, 100.1], [100.1], [100.1]),
        ([1, 2], [], [4], []),
        ([1], [2], [], []),
    ],
)
def test_what_happened_at_the_moment_at_which_a_hole_begins_or_ends_is_heard_once(tmp_path, before, missed, after_, late):
    """Several trades of one nanosecond, of which some came before the loss; and some of another before the return."""
    ear = Hears()

    class History(Scripted):
        async def backfill(self, symbol, start, end):
            await self.clock.sleep(1)  # `late` comes by both ways
            past = [*made(MOMENT, *before, *missed, backfilled=True), *made(LATER, *missed, *after_, *late, backfilled=True)]
            return [trade for trade in past if start <= trade.event_time < end]

    async def cut(feed, sink):
        await feed.clock.sleep(5)
        sink.push_many(made(MOMENT, *before))
        raise FeedDisconnected("cut")

    async def back(feed, sink):
        await feed.clock.sleep(1)
        sink.push_many([*made(MOMENT, *before), *made(LATER, *after_)])  # what was said last is said again
        await feed.clock.sleep(5)
        sink.push_many(made(LATER, *late))
        sink.push_many(made(LATER + 1, 9))
        await feed.clock.sleep(5)

    _, _, story, raised = live(tmp_path, lambda clock: History(clock, cut, back), triggers=[TriggerSpec("ear", ear)])

    assert raised is None
    assert Counter(map(what_of, ear.events)) == Counter(
        map(what_of, [*made(MOMENT, *before, *missed), *made(LATER, *missed, *after_, *late), *made(LATER + 1, 9)])
    )
    assert [event.event_time for event in ear.events] == sorted(event.event_time for event in ear.events)
    assert [gap["start"] for gap in story.bodies("gap")] == [MOMENT]


class Hears:
    """A trigger that never fires, and keeps what it sees."""

    def __init__(self):
        self.events = []

    def on_event(self, event, market):
        self.events.append(event)


def what_of(trade):
    return trade.event_time, trade.trade_id, trade.price


def test_the_bar_that_ran_when_a_feed_was_lost_before_its_first_one_is_heard(tmp_path):
    async def cut(feed, sink):
        await feed.clock.sleep(58)
        raise FeedDisconnected("cut before the first bar")

    async def bars(feed, sink):
        for start in (0, MINUTE):
            await feed.clock.sleep((START + start + MINUTE - feed.clock.now()) / SECOND)
            sink.push(Bar("A", START + start, 10, 10, 10, 10, 1.0, MINUTE))

    diary, _, story, raised = live(tmp_path, lambda clock: Scripted(clock, cut, bars), silence_seconds=600.0, bars="1m")

    assert raised is None
    assert [at for at, _ in diary.calls] == [0, MINUTE]
    assert [gap["end"] >= gap["start"] for gap in story.bodies("gap")] == [True]


def test_backfilled_bars_are_flagged_and_whole(tmp_path):
    class Bars(Scripted):
        async def ticks(self, sink, count, every=MINUTE, symbols=None):
            for _ in range(count):
                due = (self.clock.now() // MINUTE + 1) * MINUTE
                await self.clock.sleep((due - self.clock.now()) / SECOND)
                sink.push(Bar("A", due - MINUTE, 10, 10, 10, 10, 1.0, MINUTE))

        async def backfill(self, symbol, start, end):
            first = -(-start // MINUTE) * MINUTE
            return [Bar(symbol, at, 10, 10, 10, 10, 1.0, MINUTE, True, True) for at in range(first, end, MINUTE)]

    def away(feed, sink):
        raise FeedDisconnected("cut")

    async def late(feed, sink):
        await feed.clock.sleep(150)
        raise FeedDisconnected("not yet")

    diary, _, story, _ = live(
        tmp_path, lambda clock: Bars(clock, after(4, away), late, after(3, None)), silence_seconds=600.0, bars="1m"
    )

    assert [at // MINUTE for at, _ in diary.calls] == list(range(len(diary.calls)))
    flags = [data["A"]["backfilled"] for _, data in diary.calls]
    assert flags[:4] == [False] * 4
    assert flags[4:6] == [True, True]
    assert flags[-1] is False
    assert sum(gap["recovered"] for gap in story.bodies("gap")) == sum(flags)


def test_no_order_is_sent_on_what_was_missed(tmp_path):
    """Trades of a few seconds ago are young enough for the limit on old data, and are the past all the same."""

    class Buys(Diary):
        def __init__(self):
            super().__init__()
            self.orders = []

        def on_data(self, timestamp, data, context, broker):
            super().on_data(timestamp, data, context, broker)
            self.orders.append((data["A"]["backfilled"], broker.submit_order("A", 1)))

    async def away(feed, sink):
        await feed.clock.sleep(5.0)
        raise FeedDisconnected("not yet")

    risk = limits(max_data_staleness_seconds=60.0)
    diary, _, story, _ = live(
        tmp_path,
        lambda clock: Remembers(clock, after(3), away, after(3, None)),
        strategy=Buys(),
        risk=risk,
    )

    assert {backfilled for backfilled, _ in diary.orders} == {True, False}
    assert {order.code for backfilled, order in diary.orders if backfilled} == {"backfilled_data"}
    assert not any(order.code for backfilled, order in diary.orders if not backfilled)
    assert sum(gap["recovered"] for gap in story.bodies("gap")) == sum(backfilled for backfilled, _ in diary.orders) > 4


def test_a_feed_without_a_history_leaves_a_gap_that_says_so(tmp_path):
    diary, _, story, _ = live(tmp_path, lambda clock: Scripted(clock, after(5), after(5, None)))

    (gap,) = story.bodies("gap")
    assert gap["recovered"] is None
    assert len(diary.calls) == 10


def test_a_gap_without_a_history_lies_between_the_last_event_before_and_the_first_one_after(tmp_path):
    def make(clock):
        return Scripted(clock, after(10), after(20, None))

    _, feed, story, _ = live(tmp_path, make, reconnect_first_seconds=3.0)
    [gap] = story.bodies("gap")
    first = -(-feed.connected_at[1] // SECOND) * SECOND
    assert (gap["start"] - START, gap["end"] - START) == (10 * SECOND, first + 1)


def test_a_history_that_fails_costs_the_history_and_not_the_feed(tmp_path):
    class Broken(Scripted):
        async def backfill(self, symbol, start, end):
            raise KeyError("candles")

    diary, _, story, raised = live(tmp_path, lambda clock: Broken(clock, after(5), after(5, None)))

    assert raised is None
    assert len(diary.calls) == 10
    assert [gap["recovered"] for gap in story.bodies("gap")] == [None]
    assert any("candles" in body.get("why", "") for body in story.bodies("health"))


def test_a_line_that_is_cut_again_during_the_backfill_is_filled_from_the_first_loss_on(tmp_path):
    class Shaky(Remembers):
        async def backfill(self, symbol, start, end):
            if len(self.connected_at) == 2:
                await self.clock.sleep(1.5)
                raise FeedDisconnected("and again")
            return await super().backfill(symbol, start, end)

    diary, _, story, _ = live(tmp_path, lambda clock: Shaky(clock, after(5), after(5), after(5, None)))

    times = [at for at, _ in diary.calls]
    assert times == list(range(SECOND, times[-1] + 1, SECOND))
    assert len(story.bodies("gap")) == 1
    assert story.bodies("gap")[0]["start"] == START + 5 * SECOND


def test_what_a_feed_sends_twice_at_its_return_is_told_once(tmp_path):
    async def repeats(feed, sink):
        at = START + feed.now() // SECOND * SECOND
        sink.push_many([Trade("A", at - n * SECOND, 100.0, 1.0) for n in range(8, -1, -1)])
        await feed.ticks(sink, 5)

    diary, _, _, _ = live(tmp_path, lambda clock: Remembers(clock, after(20), repeats))

    times = [at for at, _ in diary.calls if at % SECOND == 0]
    assert len(set(times)) == len(times)


def test_silence_is_a_loss(tmp_path):
    async def quiet(feed, sink):
        await feed.ticks(sink, 3)
        await silence(feed, sink)

    diary, feed, story, _ = live(tmp_path, lambda clock: Remembers(clock, quiet, after(3, None)), silence_seconds=8.0)

    assert len(feed.connected_at) == 2
    assert 11 * SECOND <= feed.connected_at[1] <= 15 * SECOND
    assert any("nothing has been heard from feed1 for 8 s" in body.get("why", "") for body in story.bodies("health"))
    times = [at for at, _ in diary.calls]
    assert times == list(range(SECOND, times[-1] + 1, SECOND))


def test_a_feed_that_answers_is_not_silent(tmp_path):
    async def heartbeats(feed, sink):
        for _ in range(20):
            await feed.clock.sleep(5)
            sink.alive()

    _, feed, story, _ = live(tmp_path, lambda clock: Scripted(clock, heartbeats), silence_seconds=8.0)

    assert len(feed.connected_at) == 1
    assert story.bodies("gap") == []


def test_quiet_symbols_are_reported_once_also_those_never_heard_of(tmp_path):
    async def partly(feed, sink):
        await feed.ticks(sink, 10)
        await feed.ticks(sink, 60, symbols=("A",))
        await feed.ticks(sink, 5, symbols=("A", "B"))
        await feed.ticks(sink, 10, symbols=("A",))

    _, _, story, _ = live(
        tmp_path, lambda clock: Scripted(clock, partly, symbols=("A", "B", "C")), silence_seconds=15.0, bars=None
    )

    # C is listed and hears nothing after the first ten seconds, like B; only B comes back.
    quiet = [record.subject for record in story.of("health") if record.body["state"] == "quiet"]
    assert quiet == ["B", "C"]
    (back,) = story.bodies("gap")
    assert (back["symbol"], back["reason"]) == ("B", "silence")
    assert back["start"] - START == 10 * SECOND
    assert back["end"] - START == 75 * SECOND


def test_a_symbol_that_never_says_anything_is_quiet(tmp_path):
    async def only_a(feed, sink):
        await feed.ticks(sink, 60, symbols=("A",))

    _, _, story, _ = live(tmp_path, lambda clock: Scripted(clock, only_a, symbols=("A", "MUTE")), silence_seconds=15.0)

    assert [record.subject for record in story.of("health") if record.body["state"] == "quiet"] == ["MUTE"]


def test_attempts_in_a_row_are_limited(tmp_path):
    def fail(feed, sink):
        raise FeedDisconnected("no route")

    _, feed, story, raised = live(
        tmp_path, lambda clock: Scripted(clock, *[after(0, fail)] * 99), reconnect_attempts=3, reconnect_max_seconds=10.0
    )

    assert isinstance(raised, FeedDisconnected)
    assert "feed1 was lost 4 times in a row, the last time: no route" in str(raised)
    assert len(feed.connected_at) == 4
    assert story.bodies("run")[-1]["why"].startswith("FeedGivenUp")


def test_a_feed_that_delivers_between_its_losses_is_never_given_up(tmp_path):
    _, feed, _, raised = live(tmp_path, lambda clock: Scripted(clock, *[after(2)] * 30), reconnect_attempts=2)

    assert raised is None
    assert len(feed.connected_at) == 31


def test_the_waits_between_attempts_grow_up_to_their_limit(tmp_path):
    def fail(feed, sink):
        raise FeedDisconnected("no route")

    _, feed, _, _ = live(
        tmp_path,
        lambda clock: Scripted(clock, *[after(0, fail)] * 60),
        reconnect_first_seconds=1.0,
        reconnect_max_seconds=20.0,
    )

    waits = [(b - a) / SECOND for a, b in zip(feed.connected_at, feed.connected_at[1:], strict=False)]
    assert max(waits[:2]) <= 2.0
    assert 10.0 < max(waits) <= 20.0


def test_a_refusal_ends_the_run_with_that_exception_and_everything_on_disk(tmp_path):
    def refuse(feed, sink):
        raise FeedRefused("no subscription for A")

    diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))
    _, feed, story, raised = live(tmp_path, lambda clock: Scripted(clock, after(5, refuse)), strategy=diary)

    assert isinstance(raised, FeedRefused)
    assert str(raised) == "no subscription for A"
    assert len(feed.connected_at) == 1
    assert len(story.of("intent")) == 5
    assert len(story.fills) == 4
    assert diary.hooks == ["start", "end"]
    assert story.bodies("run")[-1] == {"ended": True, "why": "FeedRefused: no subscription for A"}


def test_several_feeds_one_of_which_ends_early_and_one_breaks(tmp_path):
    def make(clock):
        return [
            Remembers(clock, after(5, None), symbols=("SHORT",)),
            Remembers(clock, after(30), after(30, None), symbols=("BROKEN",)),
            Remembers(clock, after(100, None), symbols=("LONG",)),
        ]

    diary, feeds, story, raised = live(tmp_path, make, silence_seconds=10.0)

    assert raised is None
    heard = {symbol: [at for at, data in diary.calls if symbol in data] for symbol in ("SHORT", "BROKEN", "LONG")}
    assert heard["SHORT"] == [n * SECOND for n in range(1, 6)]
    assert heard["LONG"] == [n * SECOND for n in range(1, 101)]
    assert sorted(set(heard["BROKEN"])) == sorted(heard["BROKEN"])
    assert len(heard["BROKEN"]) >= 60
    assert [len(feed.connected_at) for feed in feeds] == [1, 2, 1]
    assert {gap["symbol"] for gap in story.bodies("gap")} == {"BROKEN"}


def test_bars_are_released_with_their_last_symbol_or_after_the_time_out(tmp_path):
    released = []

    class Clocked(Diary):
        def on_data(self, timestamp, data, context, broker):
            super().on_data(timestamp, data, context, broker)
            released.append((self.clock.now() - START, sorted(data)))

    diary = Clocked()

    async def script(feed, sink):
        diary.clock = feed.clock
        for minute in range(3):
            for symbol in ("A", "B") if minute != 1 else ("A",):
                sink.push(Trade(symbol, START + minute * MINUTE + SECOND, 10.0, 1.0))
            await feed.clock.sleep(60)
        await feed.clock.sleep(58)

    live(tmp_path, lambda clock: Scripted(clock, script, symbols=("A", "B")), strategy=diary, bars="1m", silence_seconds=500.0)

    # Trades of a minute may come up to two seconds late, and a group waits as long for its missing symbols.
    assert [symbols for _, symbols in released] == [["A", "B"], ["A"], ["A", "B"]]
    assert [at // MINUTE for at, _ in diary.calls] == [0, 1, 2]
    for n, (at, _) in enumerate(released):
        assert (n + 1) * MINUTE <= at <= (n + 1) * MINUTE + 5 * SECOND


def test_whole_bars_of_all_symbols_are_released_at_once(tmp_path):
    seen = []

    class Clocked(Diary):
        def on_data(self, *args):
            super().on_data(*args)
            seen.append(self.clock.now() - START)

    diary = Clocked()

    async def script(feed, sink):
        diary.clock = feed.clock
        await feed.clock.sleep(60)
        sink.push(Bar("A", START, 1, 1, 1, 1, 1, MINUTE))
        await feed.clock.sleep(0.5)
        sink.push(Bar("B", START, 1, 1, 1, 1, 1, MINUTE))
        await feed.clock.sleep(60)

    live(tmp_path, lambda clock: Scripted(clock, script, symbols=("A", "B")), strategy=diary, bars="1m", silence_seconds=500.0)

    assert seen == [60.5 * SECOND]
    assert [sorted(data) for _, data in diary.calls] == [["A", "B"]]


def test_trades_use_the_wall_clock_of_the_engine_and_not_their_own(tmp_path):
    async def script(feed, sink):
        sink.push(trade("A", 3 * MINUTE))  # a venue whose clock is ahead
        await feed.clock.sleep(1)
        sink.push(trade("A", 1))
        await feed.clock.sleep(1)

    diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))
    _, _, story, _ = live(tmp_path, lambda clock: Scripted(clock, script), strategy=diary)

    assert [record.time - START for record in story.of("intent")] == [0]


def test_the_bar_that_was_running_when_a_live_run_began_is_not_passed_off_as_whole(tmp_path):
    async def script(feed, sink):
        await feed.clock.sleep(20)  # the run begins in the middle of a minute
        await feed.ticks(sink, 120)

    diary, _, _, _ = live(tmp_path, lambda clock: Scripted(clock, script), bars="1m")

    assert [at // MINUTE for at, _ in diary.calls] == [1]
    assert diary.calls[0][1]["A"]["volume"] == 60.0
