"""connect, run and stop: in order, once, and leaving nothing behind; and what is said when they are misused."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import pytest
from engine_kit import PATIENCE, SECOND, START, Diary, limits, read, replay, run_list, trade, until

from ml4t.live import LiveEngine, SafeBroker
from ml4t.live.clock import DataClock
from ml4t.live.config.settings import EngineSettings
from ml4t.live.errors import BrokerConnectionError, BrokerRefused, StateLocked
from ml4t.live.model import Trade
from ml4t.live.testing import Faults, ListFeed, SimulatedVenue, run_virtual

TICKS = [trade("A", n * SECOND, 100.0 + n) for n in range(30)]


class Endless:
    """Recorded data without an end, in small portions."""

    symbols = ("A",)
    historical = True

    async def run(self, sink):
        n = 0
        while True:
            sink.push(trade("A", n * SECOND))
            n += 1
            await asyncio.sleep(0)


def endless(strategy, folder, **rest):
    return LiveEngine(strategy, None, Endless(), risk=limits(), state_dir=folder, **rest)


def threads():
    return {thread.name for thread in threading.enumerate()} - {"MainThread"}


# ------------------------------------------------------------------ in order, and once


@pytest.mark.parametrize("thread", [False, True])
def test_stop_in_the_middle_three_times_at_once_ends_the_run_and_leaves_nothing(tmp_path, thread):
    before = threads()

    async def main():
        diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))
        engine = endless(diary, tmp_path, settings=EngineSettings(strategy_thread=thread))
        run = asyncio.create_task(engine.run())
        await until(lambda: len(diary.calls) > 20)
        await asyncio.gather(engine.stop(), engine.stop(), engine.stop())
        async with asyncio.timeout(PATIENCE):
            await run
        assert engine.state == "stopped"
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await engine.stop()
        return diary, engine

    diary, engine = asyncio.run(main())
    assert threads() == before
    assert diary.hooks == ["start", "end"]
    story = read(engine.state_folder.journal)
    assert [body for body in story.bodies("run") if "ended" in body] == [{"ended": True, "why": "stopped"}]


def test_stop_before_run_undoes_connect_and_calls_no_hook(tmp_path):
    async def main():
        diary = Diary()
        engine = endless(diary, tmp_path)
        await engine.connect()
        await asyncio.gather(engine.stop(), engine.stop(), engine.stop())
        assert engine.state == "stopped"
        assert diary.hooks == []
        assert asyncio.all_tasks() == {asyncio.current_task()}
        with pytest.raises(RuntimeError, match=r"run\(\) comes once, after connect\(\); this engine is stopped"):
            await engine.run()
        await run_list(diary, TICKS, tmp_path)  # the folder is free again

    asyncio.run(main())


def test_stop_on_a_new_engine_changes_nothing(tmp_path):
    async def main():
        diary = Diary()
        engine = LiveEngine(diary, None, ListFeed(TICKS), risk=limits(), state_dir=tmp_path)
        await engine.stop()
        await engine.run()
        assert len(diary.calls) == 30

    asyncio.run(main())


def test_a_strategy_may_stop_the_engine(tmp_path):
    tasks = []

    def act(diary, data, broker):
        if len(diary.calls) == 10:
            tasks.append(asyncio.get_running_loop().create_task(engine.stop()))

    diary = Diary(act)
    engine = endless(diary, tmp_path)
    asyncio.run(engine.run())
    assert engine.state == "stopped"
    assert diary.hooks == ["start", "end"]


def test_connect_and_run_come_once(tmp_path):
    async def main():
        engine = LiveEngine(None, None, ListFeed(TICKS), risk=limits(), state_dir=tmp_path)
        with pytest.raises(RuntimeError, match=r"taken by connect\(\)"):
            _ = engine.state_folder
        await engine.connect()
        with pytest.raises(RuntimeError, match=r"connect\(\) comes first and once; this engine is connected"):
            await engine.connect()
        await engine.run()
        with pytest.raises(RuntimeError, match=r"run\(\) comes once"):
            await engine.run()
        with pytest.raises(RuntimeError, match=r"connect\(\) comes first and once; this engine is stopped"):
            await engine.connect()

    asyncio.run(main())


def test_a_run_that_is_cancelled_ends_in_order(tmp_path):
    async def main():
        diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))
        engine = endless(diary, tmp_path)
        run = asyncio.create_task(engine.run())
        await until(lambda: len(diary.calls) > 20)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert diary.hooks == ["start", "end"]
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return engine

    engine = asyncio.run(main())
    assert read(engine.state_folder.journal).bodies("run")[-1]["ended"] is True


def test_a_second_engine_on_the_same_folder_is_refused_and_the_first_goes_on(tmp_path):
    async def main():
        diary = Diary()
        first = endless(diary, tmp_path)
        run = asyncio.create_task(first.run())
        await until(lambda: diary.calls)
        second = LiveEngine(None, None, ListFeed(TICKS), risk=limits(), state_dir=tmp_path)
        with pytest.raises(StateLocked, match="is in use by process"):
            await second.run()
        assert second.state == "new"
        seen = len(diary.calls)
        await until(lambda: len(diary.calls) > seen)
        await first.stop()
        await run
        await second.run()  # free now, and nothing was spoiled by the refusal

    asyncio.run(main())


def test_without_a_state_dir_a_shadow_run_leaves_nothing_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    diary = Diary()
    engine = LiveEngine(diary, None, ListFeed(TICKS), risk=limits())
    asyncio.run(engine.run())

    assert len(diary.calls) == 30
    assert list(tmp_path.iterdir()) == []


def test_a_feed_without_data_is_a_run_without_data(tmp_path):
    for historical in (True, False, None):
        diary = Diary()
        feed = ListFeed([], symbols=["A"])
        feed.historical = historical
        story = replay(diary, [], tmp_path / str(historical), feed=feed)
        assert diary.hooks == ["start", "end"]
        assert story.bodies("run")[-1] == {"ended": True, "why": "the data ended"}


@pytest.mark.parametrize("historical", [True, None])
def test_old_data_of_a_feed_that_says_nothing_are_taken_as_recorded(tmp_path, historical):
    class Bare:
        symbols = ("A",)

        async def run(self, sink):
            sink.push_many(TICKS[:10])
            for event in TICKS[10:]:
                sink.push(event)

    feed = Bare()
    if historical is not None:
        feed.historical = historical
    diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))
    story = replay(diary, [], tmp_path, feed=feed)

    assert len(diary.calls) == 30
    assert [fill.time - START for fill in story.fills] == [n * SECOND for n in range(1, 30)]
    assert diary.hooks == ["start", "end"]


def test_fresh_data_of_a_feed_that_says_nothing_are_live(tmp_path):
    class Bare:
        symbols = ("A",)

        async def run(self, sink):
            import time

            sink.push(Trade("A", time.time_ns(), 100.0, 1.0))
            await until(lambda: diary.calls)

    diary = Diary()
    engine = LiveEngine(diary, None, Bare(), risk=limits(), state_dir=tmp_path)
    asyncio.run(engine.run())
    assert not isinstance(engine.core.clock, DataClock)
    assert read(engine.state_folder.journal).bodies("run")[0]["recorded_data"] is False


# ------------------------------------------------------------------ misuse


def test_a_feed_that_pushes_what_is_no_event_ends_the_run_and_says_so(tmp_path):
    for n, thing in enumerate([{"symbol": "A", "price": 1.0}, None, ("A", 1.0), object()]):
        for historical in (True, None):

            class Wrong(ListFeed):
                async def run(self, sink, thing=thing):
                    sink.push_many([*self._events, thing] if self.historical else [thing])

            feed = Wrong(TICKS[:3])
            feed.historical = historical
            with pytest.raises(TypeError, match=r"a feed pushed .*; a feed pushes Trade, Quote, Bar or Funding"):
                asyncio.run(run_list(Diary(), [], tmp_path / f"{n}{historical}", feed=feed))


def test_an_event_with_nonsense_in_it_ends_the_run_and_is_quoted(tmp_path):
    with pytest.raises(TypeError):
        replay(Diary(), [TICKS[0], Trade("A", "yesterday", 1.0, 1.0)], tmp_path)


class _NoRun:
    symbols = ("A",)


class _NoSymbols:
    async def run(self, sink):
        pass


class _TextSymbols(_NoSymbols):
    symbols = "AAPL"


class _NumberSymbols(_NoSymbols):
    symbols = (1, 2)


@pytest.mark.parametrize(
    ("feed", "words"),
    [
        (_NoRun(), "a feed has `symbols` and `async run"),
        (_NoSymbols(), r"symbols = None; it lists what it delivers, as in \['AAPL', 'MSFT'\]"),
        (_TextSymbols(), "symbols = 'AAPL'; it lists"),
        (_NumberSymbols(), r"symbols = \(1, 2\)"),
        (None, "feed feed1 is None"),
        ([ListFeed(TICKS), None], "feed feed2 is None"),
    ],
)
def test_a_feed_that_is_none_is_refused_when_the_engine_is_made(feed, words):
    with pytest.raises(TypeError, match=words):
        LiveEngine(None, None, feed)


def test_a_run_needs_a_feed():
    with pytest.raises(ValueError, match="a run needs a feed"):
        LiveEngine(None, None, [])


def test_a_feed_whose_run_is_no_coroutine_is_refused_by_name(tmp_path):
    class Plain:
        symbols = ("A",)
        historical = True

        def run(self, sink):
            sink.push(TICKS[0])

    with pytest.raises(Exception, match="run of feed feed1 returned None instead of something to await; write `async def run`"):
        asyncio.run(run_list(None, [], tmp_path, feed=Plain()))


def test_recorded_and_live_feeds_do_not_mix(tmp_path):
    live = ListFeed(TICKS, historical=False)
    with pytest.raises(ValueError, match="one run has one time"):
        asyncio.run(run_list(None, [], tmp_path, feed=[ListFeed(TICKS), live]))


# ------------------------------------------------------------------ modes


class Watched:
    """A broker that must not be called."""

    def __init__(self):
        self.called = []
        self.capabilities = SimulatedVenue.capabilities

    def __getattr__(self, name):
        async def call(*args, **rest):
            self.called.append(name)

        return call


@pytest.mark.parametrize("wrap", [False, True])
def test_shadow_never_calls_the_broker(tmp_path, wrap):
    broker = Watched()
    given = SafeBroker(broker, limits()) if wrap else broker

    async def main():
        diary = Diary(lambda self, data, broker: self.orders.append(broker.submit_order("A", 1)))
        engine = LiveEngine(diary, given, ListFeed(TICKS), risk=None if wrap else limits(), state_dir=tmp_path)
        await engine.run()
        return diary

    diary = asyncio.run(main())
    assert len(diary.orders) == 30
    assert broker.called == []
    assert len(read(tmp_path / "shadow" / "journal.sqlite3").fills) == 29


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_paper_and_live_need_a_broker_and_a_state_dir(tmp_path, mode):
    feed = ListFeed([], symbols=["A"], historical=False)
    with pytest.raises(ValueError, match=f"mode '{mode}' needs a broker"):
        LiveEngine(None, None, feed, risk=limits(execution_mode=mode), state_dir=tmp_path)
    with pytest.raises(ValueError, match=f"mode '{mode}' needs a state_dir"):
        LiveEngine(None, Watched(), feed, risk=limits(execution_mode=mode))


@pytest.mark.parametrize("clocked", [False, True])
def test_recorded_data_are_not_traded_on_outside_the_shadow(tmp_path, clocked):
    broker = Watched()

    async def main(clock=None):
        engine = LiveEngine(None, broker, ListFeed(TICKS), risk=limits(execution_mode="paper"), state_dir=tmp_path, clock=clock)
        with pytest.raises(ValueError, match="mode 'paper' does not trade on recorded data; use mode 'shadow'"):
            await engine.run()

    if clocked:
        run_virtual(main)
    else:
        asyncio.run(main())
    assert broker.called == []


class Quiet:
    """A live feed that says nothing for a while, and ends."""

    symbols = ("A",)
    historical = False

    def __init__(self, clock, seconds=60, every=1.0):
        self.clock, self.seconds, self.every = clock, seconds, every

    async def run(self, sink):
        for n in range(int(self.seconds / self.every)):
            await self.clock.sleep(self.every)
            sink.push(Trade("A", self.clock.now(), 100.0 + n % 7, 1.0))


def paper(tmp_path, clock, venue, strategy=None, *, mode="paper", seconds=60, **settings):
    return LiveEngine(
        strategy,
        venue,
        Quiet(clock, seconds),
        risk=limits(execution_mode=mode),
        state_dir=tmp_path,
        clock=clock,
        seed=1,
        settings=EngineSettings(**settings),
    )


@pytest.mark.parametrize(("mode", "kind"), [("paper", "live"), ("live", "paper")])
@pytest.mark.parametrize("call", ["connect", "run"])
def test_an_account_of_the_wrong_kind_is_refused_with_a_sentence(tmp_path, mode, kind, call):
    async def main(clock):
        venue = SimulatedVenue(lambda _: 100.0, clock, seed=1, kind=kind)
        engine = paper(tmp_path, clock, venue, Diary(), mode=mode)
        words = f"the mode is {mode}, and account sim-1 is a {kind} account; set mode = '{kind}' or use other credentials"
        with pytest.raises(BrokerRefused, match=words):
            await getattr(engine, call)()
        assert engine.state == "failed"
        assert venue.submissions == []
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(main, start=START)


def test_a_broker_that_cannot_be_reached_is_tried_as_often_as_said_and_then_named(tmp_path):
    class Gone(SimulatedVenue):
        async def connect(self):
            self.connects += 1
            raise BrokerConnectionError("no route to the venue")

    async def main(clock):
        venue = Gone(lambda _: 100.0, clock, seed=1)
        with pytest.raises(BrokerConnectionError, match="no route to the venue"):
            await paper(tmp_path, clock, venue, reconnect_attempts=2).run()
        assert venue.connects == 3

    run_virtual(main, start=START)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("hangs", [True, False])
def test_a_stop_signal_ends_the_wait_for_a_broker_in_order(tmp_path, number, hangs):
    class Away(SimulatedVenue):
        async def connect(self):
            self.connects += 1
            if hangs:
                await asyncio.get_running_loop().create_future()
            raise BrokerConnectionError("no route to the venue")

    async def main(clock):
        venue = Away(lambda _: 100.0, clock, seed=1)
        engine = paper(tmp_path, clock, venue)
        before = signal.getsignal(number)
        signal.signal(number, signal.SIG_IGN)  # as in a job in the background of a shell
        try:
            running = asyncio.create_task(engine.run())
            while venue.connects < 3 - hangs:
                await clock.sleep(1.0)
            os.kill(os.getpid(), number)
            await running
        finally:
            signal.signal(number, before)
        assert engine.state == "stopped"
        assert read(engine.state_folder.journal).bodies("run")[-1] == {"ended": True, "why": "stopped"}
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(main, start=START)


def test_a_broker_that_is_lost_for_good_ends_the_run(tmp_path):
    class Dies(SimulatedVenue):
        async def connect(self):
            if self.connects:
                raise BrokerRefused("the account was closed")
            return await super().connect()

    async def main(clock):
        venue = Dies(lambda _: 100.0, clock, seed=1, faults=Faults(line_seconds=5.0))
        diary = Diary()
        with pytest.raises(BrokerRefused, match="the account was closed"):
            await paper(tmp_path, clock, venue, diary, seconds=3_600).run()
        assert 0 < len(diary.calls) < 600
        assert diary.hooks == ["start", "end"]

    run_virtual(main, start=START)


@pytest.mark.parametrize("how", ["stop", "cancel"])
def test_a_start_that_waits_for_the_broker_can_be_stopped(tmp_path, how):
    class Hangs(SimulatedVenue):
        async def connect(self):
            self.connects += 1
            await asyncio.get_running_loop().create_future()

    async def main(clock):
        venue = Hangs(lambda _: 100.0, clock, seed=1)
        engine = paper(tmp_path, clock, venue, diary := Diary())
        run = asyncio.create_task(engine.run())
        await clock.sleep(1)
        assert venue.connects == 1
        if how == "stop":
            await asyncio.gather(engine.stop(), engine.stop())
            await run
            assert engine.state == "stopped"
        else:
            run.cancel()
            with pytest.raises(asyncio.CancelledError):
                await run
        assert diary.hooks == []
        assert asyncio.all_tasks() == {asyncio.current_task()}
        again = SimulatedVenue(lambda _: 100.0, clock, seed=1)
        await paper(tmp_path, clock, again, seconds=5).run()

    run_virtual(main, start=START)


def test_nothing_is_sent_while_the_venue_is_away_and_the_refusal_says_so(tmp_path):
    async def main(clock):
        venue = SimulatedVenue(lambda _: 100.0, clock, seed=3, faults=Faults(line_seconds=20.0))
        diary = Diary(lambda self, data, broker: self.orders.append(broker.submit_order("A", 1)))
        await paper(tmp_path, clock, venue, diary, seconds=300, reconnect_first_seconds=10.0).run()
        refused = [order for order in diary.orders if order.code == "venue_not_ready"]
        assert refused
        assert refused[0].reason in {
            "nothing is sent while the connection to the venue is lost",
            "nothing is sent while the venue is being connected",
        }
        assert not {order.order_id for order in refused} & set(venue.submissions)

    run_virtual(main, start=START)


def test_the_state_of_one_mode_is_never_read_by_another(tmp_path):
    def buys(diary, data, broker):
        diary.orders.append((broker.submit_order("A", 1), broker.get_position("A")))

    shadow = Diary(buys)
    replay(shadow, TICKS, tmp_path)
    assert shadow.orders[-1][1].quantity == 29

    async def main(clock):
        venue = SimulatedVenue(lambda _: 100.0, clock, seed=1)
        diary = Diary(lambda self, data, broker: self.orders.append(broker.get_position("A")))
        await paper(tmp_path, clock, venue, diary, seconds=3).run()
        assert diary.orders == [None] * len(diary.orders)

    run_virtual(main, start=START)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["paper", "shadow"]
    assert read(tmp_path / "paper" / "journal.sqlite3").fills == []
    assert len(read(tmp_path / "shadow" / "journal.sqlite3").fills) == 29


def test_a_feed_in_code_needs_nothing_but_symbols_and_run(tmp_path):
    class Bare:
        symbols = ["A"]  # noqa: RUF012 - as a user writes it

        async def run(self, sink):
            for event in TICKS:
                sink.push(event)
                await asyncio.sleep(0)

    first, second = Diary(), Diary()
    replay(first, [], tmp_path, feed=Bare())
    replay(second, [], tmp_path, feed=Bare())

    assert len(first.calls) == 30
    assert second.calls == [], "the same data again are no new data"


def test_a_live_feed_that_raises_what_no_feed_should_is_connected_again(tmp_path):
    class Buggy(Quiet):
        runs = 0

        async def run(self, sink):
            Buggy.runs += 1
            if Buggy.runs < 3:
                raise KeyError("price")
            await super().run(sink)

    async def main(clock):
        diary = Diary()
        engine = LiveEngine(diary, None, Buggy(clock, 10), risk=limits(), state_dir=tmp_path, clock=clock, seed=1)
        await engine.run()
        return diary

    assert len(run_virtual(main, start=START).calls) == 10
    assert Buggy.runs == 3


def test_a_limit_counts_right_however_few_orders_stay_in_memory(tmp_path):
    def act(_, __, broker):
        placed.extend(broker.submit_order("A", 1 + number) for number in range(2_600))

    placed = []
    risk = limits(max_orders_per_minute=2_500)
    engine = LiveEngine(
        Diary(act), None, ListFeed(TICKS[:1]), risk=risk, state_dir=tmp_path, settings=EngineSettings(recent_orders=1_000)
    )
    asyncio.run(engine.run())
    assert [order.code for order in placed if order.code] == ["max_orders_per_minute"] * 100
