"""Nothing leaves before it is on disk, and a disk that refuses stops the orders and not the engine."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from engine_kit import SECOND, START, Diary, Market, check_books, limits, read, run_list, trade, until

from ml4t.live import LiveEngine
from ml4t.live.clock import SystemClock
from ml4t.live.config.settings import EngineSettings
from ml4t.live.errors import JournalError
from ml4t.live.model import OrderState, Trade
from ml4t.live.testing import ListFeed, SimulatedVenue, run_virtual

TICKS = [trade("A", n * SECOND, 100.0 + n) for n in range(40)]


def shut(journal):
    """Let the database grow by no page: SQLite answers as it does when the disk is full."""
    (pages,) = journal._writing.execute("PRAGMA page_count").fetchone()
    journal._writing.execute(f"PRAGMA max_page_count = {pages}")


def give_space(journal):
    journal._writing.execute("PRAGMA max_page_count = 1000000")


def fill_up(journal):
    """A page or two may be left, and this is more."""
    for _ in range(40):
        journal.append("ballast", "x", "x" * 2_000)


@pytest.mark.parametrize("durability", ["fsync", "write"])
def test_an_order_reaches_a_broker_when_its_intent_is_durable_and_not_before(tmp_path, durability):
    seen = []

    class Watched(SimulatedVenue):
        async def submit(self, order):
            seen.append((order.order_id, engine.core.journal.durable_seq))
            return await super().submit(order)

    async def main():
        nonlocal engine
        feed = Market()
        diary = Diary(lambda self, data, broker: self.orders.append(broker.submit_order("A", 1)))
        engine = LiveEngine(
            diary,
            Watched(lambda _: 100.0, SystemClock(), seed=1),
            feed,
            risk=limits(execution_mode="paper"),
            state_dir=tmp_path,
            settings=EngineSettings(durability=durability),
        )
        run = asyncio.create_task(engine.run())
        await until(lambda: len(seen) >= 40)
        feed.end.set()
        await run

    engine = None
    asyncio.run(main())
    intents = {record.subject: record.seq for record in read(engine.state_folder.journal).of("intent")}
    for order_id, durable in seen:
        assert durable >= intents[order_id]


@pytest.mark.parametrize("durability", ["fsync", "write"])
def test_the_shadow_venue_waits_for_no_disk_and_forgets_in_a_crash_what_the_journal_forgets(tmp_path, durability):
    async def main():
        diary = Diary(lambda self, data, broker: self.orders.append(broker.submit_order("A", 1)))
        engine = LiveEngine(
            diary, None, ListFeed(TICKS), risk=limits(), state_dir=tmp_path, settings=EngineSettings(durability=durability)
        )
        await engine.run()
        return engine, diary

    engine, diary = asyncio.run(main())
    assert {order.state for order in diary.orders} == {OrderState.WORKING}, "when submit_order returned"
    story = read(engine.state_folder.journal)
    assert [fill.price for fill in story.fills] == [100.0 + n for n in range(1, 40)], "and no later than the next trade"
    intended = {record.subject: record.seq for record in story.of("intent")}
    for record in story.of("fill"):
        assert intended[record.body["order_id"]] < record.seq


async def connected(tmp_path, diary, durability="fsync"):
    """Start an engine on a market; return it with the task of its run."""
    feed = Market()
    engine = LiveEngine(diary, None, feed, risk=limits(), state_dir=tmp_path, settings=EngineSettings(durability=durability))
    await engine.connect()
    run = asyncio.create_task(engine.run())
    await until(lambda: diary.orders)
    return engine, feed, run


@pytest.mark.parametrize("durability", ["fsync", "write", "none"])
def test_a_disk_that_refuses_stops_the_orders_until_it_accepts_again(tmp_path, durability):
    async def main():
        diary = Diary(lambda self, data, broker: self.orders.append(broker.submit_order("A", 1)))
        engine, feed, run = await connected(tmp_path, diary, durability)
        core = engine.core
        venue, submit, sent = core.venue, core.venue.submit, []
        venue.submit = lambda order: (sent.append(order.order_id), submit(order))
        await until(lambda: sent)

        shut(core.journal)
        fill_up(core.journal)
        await until(lambda: not core.connection.ready, "the refusal")
        while_refused, calls = len(sent), len(diary.calls)
        await until(lambda: len(diary.calls) > calls + 20, "more data")
        assert len(sent) == while_refused, "nothing is sent"
        assert diary.orders[-1].code == "venue_not_ready"
        assert "the journal cannot be written (database or disk is full)" in diary.orders[-1].reason
        assert core.desk.orders.get(diary.orders[-1].order_id).state is OrderState.REJECTED

        give_space(core.journal)
        await until(lambda: core.connection.ready, "the recovery")
        await until(lambda: len(sent) > while_refused, "an order")
        feed.end.set()
        await run
        return engine, diary, set(sent)

    engine, diary, sent = asyncio.run(main())
    story = read(engine.state_folder.journal)
    check_books(story)
    assert {"state": "mended", "why": "the disk accepts again"} in story.bodies("health")
    withdrawn = [o for o in story.orders.values() if o.code == "unsent"]
    assert not sent & {order.order_id for order in withdrawn}
    assert diary.hooks == ["start", "end"]


def test_a_replay_waits_for_a_disk_that_refuses_and_goes_on_where_it_was(tmp_path):
    def act(diary, data, broker):
        diary.orders.append(broker.submit_order("A", 1))
        if len(diary.calls) == 20:
            shut(engine.core.journal)
            fill_up(engine.core.journal)
            with pytest.raises(JournalError):
                engine.core.journal.flush()

    diary = Diary(act)
    feed = ListFeed([trade("A", n * SECOND, 100.0) for n in range(3_000)])
    engine = LiveEngine(diary, None, feed, risk=limits(), state_dir=tmp_path, settings=EngineSettings(durability="write"))

    async def main():
        await engine.connect()
        run = asyncio.create_task(engine.run())
        await until(lambda: not engine.core.connection.ready, "the refusal")
        here = len(diary.calls)
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(diary.calls) == here < 3_000
        give_space(engine.core.journal)
        await run

    asyncio.run(main())
    assert len(diary.calls) == 3_000
    story = read(engine.state_folder.journal)
    check_books(story)
    assert len(story.of("intent")) == 3_000, "nothing was decided that could not be written"


def test_a_run_on_a_disk_that_stays_full_ends_with_that_and_not_with_a_crash(tmp_path):
    async def main():
        diary = Diary(lambda self, data, broker: self.orders.append(broker.submit_order("A", 1)))
        engine, feed, run = await connected(tmp_path, diary)
        shut(engine.core.journal)
        fill_up(engine.core.journal)
        await until(lambda: not engine.core.connection.ready, "the refusal")
        feed.end.set()
        with pytest.raises(JournalError, match="wait for the disk, which refuses them: database or disk is full"):
            await run
        assert diary.hooks == ["start", "end"]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert read(tmp_path / "shadow" / "journal.sqlite3").records


def test_a_broker_gets_nothing_that_is_not_on_disk(tmp_path):
    """The same with a real link, on virtual time: the venue asks the journal of every order that it gets."""

    async def main(clock):
        class Asks(SimulatedVenue):
            async def submit(self, order):
                engine.core.journal.flush()
                assert engine.core.journal.order(order.order_id) is not None
                return await super().submit(order)

        class Ticks(Market):
            async def run(self, sink):
                for n in range(200):
                    await clock.sleep(1)
                    sink.push(Trade("A", clock.now(), 100.0 + n % 5, 1.0))

        venue = Asks(lambda _: 100.0, clock, seed=1)
        diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))
        engine = LiveEngine(diary, venue, Ticks(), risk=limits(execution_mode="paper"), state_dir=tmp_path, clock=clock, seed=1)
        await engine.run()
        assert len(venue.submissions) == 200

    run_virtual(main, start=START)


def test_the_journal_of_a_cancelled_run_is_complete(tmp_path):
    async def main():
        diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))
        events = [trade("A", n * SECOND, 100.0) for n in range(20_000)]
        run = asyncio.create_task(run_list(diary, events, tmp_path, engine={"durability": "none"}))
        await until(lambda: len(diary.calls) > 2_000)
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await run
        return len(diary.calls)

    calls = asyncio.run(main())
    story = read(tmp_path / "shadow" / "journal.sqlite3")
    assert len(story.of("intent")) == calls
    check_books(story)
