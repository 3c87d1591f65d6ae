"""A disk that refuses: nothing is reported durable, nothing is lost, the order is kept."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest

from ml4t.live.clock import SystemClock
from ml4t.live.errors import JournalError
from ml4t.live.journal import Journal, JournalReader, StatePut, verify


def shut(journal: Journal) -> None:
    """Let the database grow by no page: SQLite answers as it does when the disk is full."""
    (pages,) = journal._writing.execute("PRAGMA page_count").fetchone()
    journal._writing.execute(f"PRAGMA max_page_count = {pages}")


def give_space(journal: Journal) -> None:
    journal._writing.execute("PRAGMA max_page_count = 1000000")


BIG = "x" * 5_000


def test_a_full_disk_is_told_once_and_the_records_come_when_there_is_space(path, eventually):
    async def main():
        told: list[Exception] = []
        durable: list[int] = []
        loop = asyncio.get_running_loop()
        with Journal(path, SystemClock(), on_failure=told.append).open(loop) as journal:
            journal.append("x", "s", 0)
            await journal.durable(1)
            shut(journal)
            seqs = [journal.append("x", "s", BIG, on_durable=lambda n=n: durable.append(n)) for n in range(5)]
            with pytest.raises(JournalError, match="full"):
                await journal.durable(seqs[-1])
            journal.put("b", "k", 1)
            for _ in range(3):  # each is an attempt, and each is refused
                with pytest.raises(JournalError, match="full"):
                    journal.flush()
            await asyncio.sleep(0)  # what the attempts have to tell would be told now
            assert (len(told), durable, journal.durable_seq, journal.healthy) == (1, [], 1, False)
            assert "full" in str(journal.failure)
            journal.append("x", "late", 6, on_durable=lambda: durable.append(5))
            with pytest.raises(JournalError, match="full"):
                await journal.durable(7)
            give_space(journal)
            journal.flush()
            assert (journal.healthy, journal.failure, journal.durable_seq) == (True, None, 7)
            await eventually(lambda: len(durable) == 6)
            assert durable == [0, 1, 2, 3, 4, 5]
            shut(journal)
            journal.append("x", "s", BIG)
            with pytest.raises(JournalError):
                journal.flush()
            await eventually(lambda: len(told) == 2)  # a second failure is told again
            give_space(journal)
        with JournalReader(path) as reader:
            assert [record.body for record in reader.records()] == [0, *[BIG] * 5, 6, BIG]
            assert reader.state("b") == {"k": 1}

    asyncio.run(asyncio.wait_for(main(), 60))
    assert verify(path) == []


def test_it_recovers_by_itself(make, until):
    journal = make()
    shut(journal)
    for _ in range(5):
        journal.append("x", "s", BIG)
    until(lambda: not journal.healthy)
    give_space(journal)
    until(lambda: journal.healthy)
    assert journal.durable_seq == 5


def test_beyond_its_capacity_it_refuses_and_what_it_took_is_kept(make, until):
    journal = make(capacity=20)
    shut(journal)
    journal.append("x", "s", BIG)
    until(lambda: not journal.healthy)
    for number in range(19):
        journal.append("x", "s", f"{number}{BIG}")
    with pytest.raises(JournalError, match="20 records wait"):
        journal.append("x", "s", BIG)
    give_space(journal)
    journal.flush()
    assert len(list(journal.records())) == 20


def test_close_says_what_it_could_not_write(make, path):
    journal = make()
    journal.append("x", "s", 1)
    journal.flush()
    shut(journal)
    for _ in range(3):
        journal.append("x", "s", BIG)
    with pytest.raises(JournalError, match="3 records wait"):
        journal.close()
    assert not journal.healthy
    assert verify(path) == []
    with JournalReader(path) as reader:
        assert reader.counts() == {"x": 1}


def test_inline_keeps_the_batch_too(make):
    told: list[Exception] = []
    journal = make(inline=True, on_failure=told.append)
    shut(journal)
    for number in range(1_100):
        journal.append("x", "s", f"{number} {BIG}")
    assert (len(told), journal.healthy, journal.durable_seq) == (1, False, 0)
    with pytest.raises(JournalError, match="1100 records"):
        journal.flush()
    give_space(journal)
    journal.flush()
    assert journal.healthy
    assert [record.body.split()[0] for record in journal.records()] == [str(number) for number in range(1_100)]


def test_a_commit_that_fails_half_way_leaves_nothing(make, path):
    journal = make(inline=True)
    journal._writing.execute("CREATE TRIGGER no BEFORE INSERT ON state BEGIN SELECT RAISE(ABORT, 'not now'); END")
    journal.append("x", "s", 1, state=[StatePut("b", "k", 1)])
    with pytest.raises(JournalError, match="not now"):
        journal.flush()
    with JournalReader(path) as reader:
        assert reader.counts() == {}
        journal._writing.execute("DROP TRIGGER no")
        journal.flush()
        assert reader.counts() == {"x": 1}


def test_a_second_writer_is_noticed_and_the_first_goes_on(make, path):
    """The lock of the state directory prevents it; without it, no number is given to two records."""
    first, second = make(inline=True), make(inline=True)
    first.append("x", "s", "first")
    second.append("x", "s", "second", state=[StatePut("b", "k", "second")])
    first.flush()
    with pytest.raises(JournalError, match="UNIQUE"):
        second.flush()
    with pytest.raises(JournalError, match="UNIQUE"):
        second.close()
    first.append("x", "s", "more")
    first.flush()
    assert [record.body for record in first.records()] == ["first", "more"]
    assert first.state("b") == {}


LIMITED = """
import resource, signal, sys, threading
from pathlib import Path
from ml4t.live.clock import SystemClock
from ml4t.live.errors import JournalError
from ml4t.live.journal import Journal

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
failed = threading.Event()
journal = Journal(Path(sys.argv[1]), SystemClock(), on_failure=lambda error: failed.set()).open()
for number in range(50): journal.append("x", "s", number)
journal.flush()
log = Path(sys.argv[1] + "-wal").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (log + 3000, resource.RLIM_INFINITY))  # the file system takes 3000 bytes more
for number in range(50, 3000): journal.append("x", "s", number)
assert failed.wait(60)
try:
    journal.flush()
except JournalError as error:
    print(error, flush=True)
assert journal.durable_seq == 50, journal.durable_seq
assert not journal.healthy
if len(sys.argv) > 2:
    import os
    os.kill(os.getpid(), 9)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.flush()
assert journal.healthy
journal.close()
"""


def test_a_file_system_that_refuses_to_grow_the_log(spawn, path):
    process = spawn(LIMITED, path)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    assert "2950 records wait" in output
    assert verify(path) == []
    with JournalReader(path) as reader:
        assert [record.body for record in reader.records()] == list(range(3_000))


def test_killed_while_the_file_system_refuses(spawn, path):
    process = spawn(LIMITED, path, "and die")
    process.communicate(timeout=300)
    assert process.returncode == -9
    assert verify(path) == []
    with JournalReader(path) as reader:
        assert [record.body for record in reader.records()] == list(range(50))


def test_a_disk_too_full_for_the_tables_is_no_damage(path, monkeypatch):
    plain = sqlite3.connect

    def small(*arguments, **options):
        connection = plain(*arguments, **options)
        connection.execute("PRAGMA max_page_count = 2")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(JournalError, match="full; free space there, and start again") as caught:
        Journal(path, SystemClock()).open()
    assert "repair" not in str(caught.value)
    monkeypatch.undo()
    Journal(path, SystemClock()).open().close()
    assert verify(path) == []
