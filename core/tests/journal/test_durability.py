"""When a record counts as durable, and who hears of it."""

from __future__ import annotations

import asyncio
import itertools
import threading

import pytest

from ml4t.live.clock import SystemClock
from ml4t.live.errors import JournalError
from ml4t.live.journal import Durability, Journal, JournalReader
from ml4t.live.journal.connections import connect_writing


class CountingLoop(asyncio.SelectorEventLoop):
    handed_over = 0

    def call_soon_threadsafe(self, *arguments, **options):
        self.handed_over += 1
        return super().call_soon_threadsafe(*arguments, **options)


def run(main):
    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        runner.run(asyncio.wait_for(main, 60))


@pytest.mark.parametrize("durability", [Durability.FSYNC, Durability.WRITE])
def test_callbacks_come_in_order_on_the_loops_thread_after_the_commit(path, durability, eventually):
    seen: list[tuple[int, int, int]] = []

    async def main():
        journal = Journal(path, SystemClock(), durability=durability).open(asyncio.get_running_loop())
        with journal, JournalReader(path) as reader:

            def durable(seq: int) -> None:
                on_disk = sum(reader.counts().values())
                seen.append((seq, threading.get_ident(), on_disk))

            for seq in range(1, 301):
                assert journal.append("x", "s", seq, on_durable=lambda seq=seq: durable(seq)) == seq
                if seq % 50 == 0:
                    await asyncio.sleep(0)
            assert all(number <= journal.durable_seq for number, _, _ in seen)
            await journal.durable(300)
            await eventually(lambda: len(seen) == 300)
            assert [number for number, _, _ in seen] == list(range(1, 301))

    run(main())
    assert {thread for _, thread, _ in seen} == {threading.get_ident()}
    assert all(on_disk >= seq for seq, _, on_disk in seen)


def test_one_hand_over_to_the_loop_per_commit(path, eventually):
    """The writer is held by a second writer's transaction while all of it is appended."""

    async def main():
        loop = asyncio.get_running_loop()
        with Journal(path, SystemClock(), durability="write").open(loop) as journal:
            called: list[int] = []
            blocker = connect_writing(path, Durability.WRITE, "")
            blocker.execute("BEGIN IMMEDIATE")
            journal.append("x", "s", 0)  # no callback: nothing to hand over
            for number in range(1_500):
                journal.append("x", "s", number, on_durable=lambda number=number: called.append(number))
            assert called == []
            blocker.execute("COMMIT")
            blocker.close()
            before = loop.handed_over
            await journal.durable(journal.last_seq)
            await eventually(lambda: len(called) == 1_500)
            # The thread had taken a part before it was held, so there are one or two commits.
            assert loop.handed_over - before <= 2
            assert called == list(range(1_500))

    run(main())


def test_nobody_to_tell_means_no_hand_over(path):
    async def main():
        loop = asyncio.get_running_loop()
        with Journal(path, SystemClock()).open(loop) as journal:
            for number in range(100):
                journal.append("x", "s", number)
            journal.flush()
            assert loop.handed_over == 0

    run(main())


@pytest.mark.parametrize("options", [{"durability": "none"}, {"inline": True}])
def test_without_durability_the_callback_comes_before_append_returns(make, options):
    journal = make(**options)
    called: list[int] = []
    journal.append("x", "s", 1, on_durable=lambda: called.append(threading.get_ident()))
    assert called == [threading.get_ident()]
    asyncio.run(asyncio.wait_for(journal.durable(1), 60))


def test_inline_durable_commits(make):
    journal = make(inline=True)
    seq = journal.append("x", "s", 1)
    assert journal.durable_seq == 0
    asyncio.run(journal.durable(seq))
    assert journal.durable_seq == seq


def test_a_callback_that_fails_stops_no_other(path, eventually):
    complaints: list[str] = []
    called: list[int] = []

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: complaints.append(str(context["exception"])))
        with Journal(path, SystemClock()).open(loop) as journal:
            journal.append("x", "s", 1, on_durable=lambda: 1 / 0)
            journal.append("x", "s", 2, on_durable=lambda: called.append(2))
            await journal.durable(2)
            await eventually(lambda: called)

    run(main())
    assert called == [2]
    assert complaints == ["division by zero"]


def test_without_a_loop_callbacks_come_on_the_writers_thread(make, caplog):
    journal = make()
    called: list[int] = []
    journal.append("x", "s", 1, on_durable=lambda: 1 / 0)
    journal.append("x", "s", 2, on_durable=lambda: called.append(journal.append("y", "s", 3)))
    journal.flush()
    journal.flush()
    assert called == [3]
    assert journal.counts() == {"x": 2, "y": 1}
    assert "callback" in caplog.text


def test_a_callback_on_the_writers_thread_never_waits_for_itself(make, until):
    journal = make(capacity=1)
    journal.append("x", "s", 1, on_durable=lambda: [journal.append("y", "s", number) for number in range(5)])
    until(lambda: journal.durable_seq == 6)


@pytest.mark.parametrize(("durability", "level"), [("fsync", 2), ("write", 1), ("none", 0)])
def test_sqlite_is_told_how_durable(make, durability, level):
    connection = make(durability=durability)._writing
    assert connection.execute("PRAGMA synchronous").fetchone() == (level,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_durable_needs_the_loop_of_open_and_a_record_that_exists(make):
    journal = make()
    with pytest.raises(ValueError, match="not been appended"):
        asyncio.run(journal.durable(1))
    blocker = connect_writing(journal.path, Durability.WRITE, "")
    blocker.execute("BEGIN IMMEDIATE")
    journal.append("x", "s", 1)
    with pytest.raises(JournalError, match="open"):
        asyncio.run(journal.durable(1))
    blocker.close()


def test_a_cancelled_wait_harms_nobody(path):
    async def main():
        with Journal(path, SystemClock()).open(asyncio.get_running_loop()) as journal:
            waits = [asyncio.create_task(journal.durable(journal.append("x", "s", n))) for n in range(3)]
            await asyncio.sleep(0)
            waits[1].cancel()
            results = await asyncio.gather(*waits, return_exceptions=True)
            assert [type(result) for result in results] == [type(None), asyncio.CancelledError, type(None)]

    run(main())


def test_many_threads_append_and_every_number_is_given_once(make):
    journal = make()
    given: list[list[int]] = [[] for _ in range(4)]

    def work(mine: list[int], name: str) -> None:
        mine.extend(journal.append("x", name, number) for number in range(1_000))

    threads = [threading.Thread(target=work, args=(mine, str(index))) for index, mine in enumerate(given)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.flush()
    assert sorted(itertools.chain(*given)) == list(range(1, 4_001))
    assert all(mine == sorted(mine) for mine in given)
    for index, mine in enumerate(given):
        records = list(journal.records(subject=str(index)))
        assert [record.seq for record in records] == mine
        assert [record.body for record in records] == list(range(1_000))


def test_a_caller_faster_than_the_disk_is_held_and_loses_nothing(make):
    journal = make(capacity=10)
    for number in range(2_000):
        journal.append("x", "s", number)
        assert journal.last_seq - journal.durable_seq <= 10
    journal.flush()
    assert [record.body for record in journal.records()] == list(range(2_000))


def test_close_commits_and_folds_the_log_into_the_file(make, path):
    journal = make()
    for number in range(500):
        journal.append("x", "s", number)
    journal.put("b", "k", 1)
    journal.close()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert not [thread for thread in threading.enumerate() if thread.name == "ml4t-live-journal"]
    with JournalReader(path) as reader:
        assert reader.counts() == {"x": 500}
        assert reader.state("b") == {"k": 1}


def test_a_closed_journal_says_so(make):
    journal = make()
    journal.close()
    assert not journal.healthy
    for act in (lambda: journal.append("x", "s", 1), lambda: journal.put("b", "k", 1), journal.flush, journal.orders):
        with pytest.raises(JournalError, match="open"):
            act()
    journal.open()
    with pytest.raises(JournalError, match="already"):
        journal.open()


def test_a_loop_that_has_ended_does_not_matter(make):
    loop = asyncio.new_event_loop()
    journal = make(loop=loop)
    loop.close()
    journal.append("x", "s", 1, on_durable=lambda: None)
    journal.flush()
    assert journal.healthy
    assert journal.durable_seq == 1


def test_a_forgotten_close_loses_nothing(spawn, path):
    source = """
import sys
from pathlib import Path
from ml4t.live.clock import SystemClock
from ml4t.live.journal import Journal
journal = Journal(Path(sys.argv[1]), SystemClock()).open()
for number in range(3000): journal.append("x", "s", number)
"""
    assert spawn(source, path).wait(60) == 0
    with JournalReader(path) as reader:
        assert reader.counts() == {"x": 3_000}
