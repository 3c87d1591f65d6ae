"""How every part is said to be, against runs in which it really is so."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import attrs
import pytest
from engine_kit import START, limits, read, run_list, trade, until

from ml4t.live import LiveEngine
from ml4t.live.clock import SystemClock
from ml4t.live.config.settings import EngineSettings
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.errors import BrokerConnectionError, FeedDisconnected
from ml4t.live.health import Level
from ml4t.live.journal import RecordKind
from ml4t.live.model import Firing, Trade
from ml4t.live.testing import Faults, ListFeed, SimulatedFeed, SimulatedVenue, run_virtual
from ml4t.live.times import NANOS


class Each:
    def on_event(self, event, market):
        return Firing(reason="an event")


class Idle:
    def on_data(self, timestamp, data, context, broker):
        pass


def watched(folder, act, *, venue=None, feed=None, strategy=None, engine=None, **parts):
    """Run on virtual time, let `act(engine, clock)` look, and return what it returned and the conditions in the journal."""

    async def main(clock):
        made = venue and venue(clock)
        source = feed(clock) if feed else SimulatedFeed(["A"], clock, seed=1, duration_seconds=100_000.0)
        run = LiveEngine(
            strategy or Idle(),
            made,
            source,
            risk=limits(execution_mode="paper" if venue else "shadow"),
            settings=EngineSettings(reconnect_max_seconds=5.0, **(engine or {})),
            state_dir=folder,
            clock=clock,
            seed=1,
            **parts,
        )
        running = asyncio.create_task(run.run())
        await clock.sleep(12)
        result = await act(run, clock)
        await run.stop()
        await running
        records = read(run.state_folder.journal).of("condition")
        return result, [(record.subject, record.body["state"]) for record in records]

    return run_virtual(main, start=START)


def of(engine, part):
    return next(condition for condition in engine.conditions if condition.part == part)


def test_a_run_that_is_well_says_so_of_every_part_and_journals_nothing(tmp_path):
    async def act(engine, clock):
        return engine.conditions

    conditions, told = watched(
        tmp_path,
        act,
        venue=lambda clock: SimulatedVenue(lambda _: 100.0, clock, seed=1),
        triggers=[TriggerSpec("each", Each())],
    )
    assert {condition.level for condition in conditions} == {Level.OK}
    assert {condition.part for condition in conditions} == {
        "event loop",
        "inbox",
        "journal",
        "watchdog beat",
        "checkup",
        "agenda",
        "control",
        "journal watch",
        "triggers by hand",
        "feed feed1",
        "venue",
        "trading",
        "strategy",
        "trigger each",
    }
    assert told == []


class Cut:
    """A feed whose line is down from the eighth second to the sixtieth, and that takes a while to find out."""

    historical = False
    symbols = ("A",)

    def __init__(self, clock):
        self.clock = clock
        self.began = clock.now()
        self.attempts = 0

    async def run(self, sink):
        while True:
            second = (self.clock.now() - self.began) / NANOS
            if 8 <= second < 60:
                self.attempts += 1
                await self.clock.sleep(3.3 if self.attempts > 1 else 0)
                raise FeedDisconnected("the line is cut")
            sink.push(Trade("A", self.clock.now(), 100.0, 1.0))
            await self.clock.sleep(1)


def test_a_lost_feed_is_degraded_then_down_then_well(tmp_path):
    async def act(engine, clock):
        seen = [of(engine, "feed feed1").level]
        await clock.sleep(40)
        seen.append(of(engine, "feed feed1").level)
        await clock.sleep(60)
        return [*seen, of(engine, "feed feed1").level]

    seen, told = watched(tmp_path, act, feed=Cut)
    assert seen == [Level.DEGRADED, Level.DOWN, Level.OK]
    assert told == [("feed feed1", "degraded"), ("feed feed1", "down"), ("feed feed1", "ok")]


class Old:
    """A feed whose data are two minutes old."""

    historical = False
    symbols = ("A", "MUTE")

    def __init__(self, clock):
        self.clock = clock

    async def run(self, sink):
        while True:
            sink.push(Trade("A", self.clock.now() - 120 * NANOS, 100.0, 1.0))
            await self.clock.sleep(1)


def test_data_that_are_old_when_they_come_make_a_feed_degraded(tmp_path):
    async def act(engine, clock):
        return of(engine, "feed feed1")

    feed, _ = watched(tmp_path, act, feed=Old)
    assert (feed.level, feed.why) == (Level.DEGRADED, "its data are 120 s old when they arrive")
    assert feed.numbers["late_seconds"] == 120.0
    assert feed.numbers["age_seconds"] <= 1.0


class Mute(Old):
    async def run(self, sink):
        while True:
            sink.push(Trade("A", self.clock.now(), 100.0, 1.0))
            await self.clock.sleep(1)


def test_a_symbol_that_is_quiet_makes_its_feed_degraded(tmp_path):
    async def act(engine, clock):
        await clock.sleep(90)
        return of(engine, "feed feed1")

    feed, told = watched(tmp_path, act, feed=Mute)
    assert (feed.level, feed.why) == (Level.DEGRADED, "nothing is heard of MUTE")
    assert told == [("feed feed1", "degraded")]


class Away(SimulatedVenue):
    """A venue that is away after ten seconds, for as long as the test says."""

    gone = True

    async def connect(self):
        if self.connects and self.gone:
            raise BrokerConnectionError("nobody answers")
        return await super().connect()

    async def run(self, sink):
        if self.connects > 1:
            return await super().run(sink)
        async with asyncio.timeout(None):
            await self._clock.sleep(10)
        raise BrokerConnectionError("cut")


def test_a_venue_that_stays_away_is_down_and_the_run_with_it(tmp_path):
    venues = []

    def venue(clock):
        venues.append(Away(lambda _: 100.0, clock, seed=1))
        return venues[0]

    async def act(engine, clock):
        await clock.sleep(45)
        level, whole = of(engine, "venue").level, engine._vitals.board.level
        venues[0].gone = False
        await clock.sleep(60)
        return level, whole, of(engine, "venue").level

    seen, told = watched(tmp_path, act, venue=venue)
    assert seen == (Level.DOWN, Level.DOWN, Level.OK)
    assert [state for part, state in told if part == "venue"] == ["degraded", "down", "ok"]


def test_an_order_in_doubt_makes_the_venue_degraded(tmp_path):
    class Once(Idle):
        sent = False

        def on_data(self, timestamp, data, context, broker):
            if not self.sent:
                self.sent = True
                broker.submit_order("A", 1)

    async def act(engine, clock):
        return of(engine, "venue")

    venue, _ = watched(
        tmp_path,
        act,
        strategy=Once(),
        venue=lambda clock: SimulatedVenue(lambda _: 100.0, clock, seed=1, faults=Faults(lose_request=1.0)),
    )
    assert (venue.level, venue.why) == (Level.DEGRADED, "nobody knows what became of 1 orders; the venue is being asked")


def test_the_kill_switch_makes_trading_degraded_and_not_the_run_down(tmp_path):
    async def act(engine, clock):
        engine.kill("it buys nonsense", by="ann")
        await clock.sleep(6)
        return of(engine, "trading"), engine._vitals.board.level

    (trading, whole), told = watched(tmp_path, act)
    assert (trading.level, trading.why, whole) == (
        Level.DEGRADED,
        "the kill switch is on: it buys nonsense",
        Level.DEGRADED,
    )
    assert told == [("trading", "degraded")]


class Model:
    """A forecaster that takes some time, and fails sometimes."""

    def __init__(self, seconds=0.0, fails=0):
        self.seconds, self.fails, self.asked = seconds, fails, 0
        self.clock = None

    async def forecast(self, request):
        self.asked += 1
        await self.clock.sleep(self.seconds)
        if self.fails and self.asked % self.fails == 0:
            raise RuntimeError("no data")


@pytest.mark.parametrize(
    ("model", "level", "why"),
    [
        (Model(), Level.OK, ""),
        (Model(fails=2), Level.DEGRADED, "latest requests failed"),
        (Model(seconds=0.6), Level.DEGRADED, "it takes 0.6 s of its 1 s"),
        (Model(fails=1), Level.DOWN, "disabled, because it failed too often in a row"),
    ],
)
def test_an_agent_is_judged_by_its_failures_and_its_latency(tmp_path, model, level, why):
    def feed(clock):
        model.clock = clock
        return SimulatedFeed(["A"], clock, seed=1, duration_seconds=100_000.0)

    async def act(engine, clock):
        await clock.sleep(60)
        return of(engine, "forecaster model"), engine._vitals.board.level

    (agent, whole), _ = watched(
        tmp_path,
        act,
        feed=feed,
        triggers=[TriggerSpec("each", Each())],
        forecasters=[ForecasterSpec("model", model, frozenset({"each"}), budget_seconds=1.0)],
    )
    assert agent.level is level
    assert why in agent.why
    assert whole is (Level.OK if level is Level.OK else Level.DEGRADED), "without an agent the run goes on"


class Throws:
    def on_event(self, event, market):
        raise RuntimeError("a trigger with a mistake")


def test_a_trigger_that_raises_is_degraded_and_then_down(tmp_path):
    async def act(engine, clock):
        first = of(engine, "trigger throws").level
        await clock.sleep(20)
        return first, of(engine, "trigger throws").level

    seen, told = watched(tmp_path, act, triggers=[TriggerSpec("throws", Throws())])
    assert seen == (Level.DEGRADED, Level.DOWN)
    assert told == [("trigger throws", "degraded"), ("trigger throws", "down")]


def test_a_strategy_that_raises_is_degraded_and_well_again_after_five_minutes(tmp_path):
    class Stumbles(Idle):
        calls = 0

        def on_data(self, timestamp, data, context, broker):
            self.calls += 1
            if self.calls == 3:
                raise RuntimeError("once")

    async def act(engine, clock):
        first = of(engine, "strategy")
        await clock.sleep(330)
        return first.level, first.why, of(engine, "strategy").level

    seen, _ = watched(tmp_path, act, strategy=Stumbles())
    assert seen == (Level.DEGRADED, "it has raised 1 exceptions of late", Level.OK)


def test_an_observer_that_raises_is_degraded(tmp_path):
    class Broken:
        async def on_event(self, event):
            raise RuntimeError("no")

    async def act(engine, clock):
        return of(engine, "observer broken")

    (observer), _ = watched(tmp_path, act, observers=[("broken", Broken())])
    assert observer.level is Level.DEGRADED
    assert observer.numbers["errors"] >= 1


def test_an_observer_hears_of_a_condition_when_it_changes(tmp_path):
    class Alarm:
        kinds = ("condition",)

        def __init__(self):
            self.heard = []

        async def on_event(self, event):
            self.heard.append((event.subject, event.body["state"]))

    alarm = Alarm()

    async def act(engine, clock):
        await clock.sleep(120)

    watched(tmp_path, act, feed=Cut, observers=[("alarm", alarm)])
    assert alarm.heard == [("feed feed1", "degraded"), ("feed feed1", "down"), ("feed feed1", "ok")]


def test_a_disk_that_refuses_is_down_with_the_run(tmp_path):
    async def main():
        feed = ListFeed([], symbols=["A"], historical=False)
        ends = asyncio.Event()

        async def run(sink):
            await ends.wait()

        feed.run = run
        settings = EngineSettings(heartbeat_seconds=0.05)
        engine = LiveEngine(Idle(), None, feed, risk=limits(), settings=settings, state_dir=tmp_path, clock=SystemClock())
        running = asyncio.create_task(engine.run())
        await until(lambda: engine.conditions, "the first look")
        other = sqlite3.connect(engine.state_folder.journal, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        engine.core.record(RecordKind.HEALTH, "test", {"state": "waits for the disk"})
        await until(lambda: of(engine, "journal").level is Level.DOWN, "the journal is down")
        why, whole = of(engine, "journal").why, engine._vitals.board.level
        heartbeat = engine.state_folder.heartbeat
        await until(lambda: json.loads(heartbeat.read_bytes())["level"] == "down", "the file says so")
        other.execute("ROLLBACK")
        other.close()
        await until(lambda: of(engine, "journal").level is Level.OK, "the journal is well")
        ends.set()
        await running
        return why, whole

    why, whole = asyncio.run(main())
    assert (why, whole) == ("the disk refuses it: database is locked", Level.DOWN)


def test_recorded_data_are_neither_late_nor_too_many_nor_journalled_about(tmp_path):
    looks = []

    class Looks(Idle):
        def on_data(self, timestamp, data, context, broker):
            engine = looks[0]
            engine._vitals.watchdog._late = 60 * NANOS
            engine._vitals.look()
            looks.extend((condition.part, condition.level) for condition in engine.conditions)

    events = [trade("A", n * NANOS) for n in range(100)]
    engine = LiveEngine(Looks(), None, ListFeed(events), risk=limits(), state_dir=tmp_path / "late")
    engine.parts = attrs.evolve(engine.parts, engine=EngineSettings(inbox_capacity=2))
    looks.append(engine)
    asyncio.run(engine.run())
    assert {level for part, level in looks[1:] if part in {"event loop", "inbox"}} == {Level.OK}

    engine = asyncio.run(
        run_list(Idle(), [trade("A", n * NANOS) for n in range(100)], tmp_path, engine={"heartbeat_seconds": 0.001})
    )
    assert read(engine.state_folder.journal).of("condition") == []
