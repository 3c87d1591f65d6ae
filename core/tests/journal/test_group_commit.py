"""How often the disk is asked: counted in commits and in the length of the log, not in time."""

from __future__ import annotations

import asyncio
import itertools
import threading
from pathlib import Path

import pytest

from ml4t.live.clock import SystemClock
from ml4t.live.journal import Also, Journal, writer
from ml4t.live.journal.batch import Batch
from ml4t.live.journal.connections import make_room


@pytest.fixture
def commits(monkeypatch):
    """The records of every commit, the first one held until released."""
    sizes: list[int] = []
    release = threading.Event()
    write = Batch.write

    def counted(self, connection):
        if not sizes:
            release.wait(60)
        write(self, connection)
        sizes.append(len(self._records))

    monkeypatch.setattr(Batch, "write", counted)
    return sizes, release


def test_what_comes_while_one_commit_runs_shares_the_next(make, commits):
    sizes, release = commits
    journal = make(durability="fsync")
    journal.append("first", "x", 0)
    for n in range(100):
        journal.append("later", str(n), n)
    release.set()
    journal.flush()
    assert sum(sizes) == 101
    assert len(sizes) <= 3, "the one that was held, and what had come together behind it"


def log_of(path: Path) -> int:
    return Path(f"{path}-wal").stat().st_size


def test_a_log_with_room_has_its_full_length_from_the_start(make, path):
    journal = make(durability="fsync", room=True)
    before = log_of(path)
    assert before > 4_000 * 4_096
    for n in range(50):
        journal.append("x", str(n), "x" * 1_000)
        journal.flush()
    assert log_of(path) == before, "so that no sync has a new length to note"
    assert [record.body for record in journal.records(limit=1)] == ["x" * 1_000]
    journal.close()
    assert path.stat().st_size < 1_000_000, "the room was never part of the journal"


def test_a_log_without_room_grows_as_it_is_written(make, path):
    make()
    assert log_of(path) < 1_000_000


def test_a_disk_without_that_room_keeps_a_log_that_grows(make, path):
    journal = make(durability="write")
    connection = journal._writing
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    make_room(connection)
    assert not connection.in_transaction
    connection.execute("PRAGMA max_page_count = 1000000")
    journal.append("x", "y", 1)
    journal.flush()
    assert [record.subject for record in journal.records()] == ["y"]


def test_a_journal_reads_the_same_after_a_process_died_on_a_log_with_room(tmp_path, spawn):
    source = """
import os, sys
from pathlib import Path
from ml4t.live.clock import SystemClock
from ml4t.live.journal import Journal
journal = Journal(Path(sys.argv[1]), SystemClock(), durability="fsync", room=True).open()
for n in range(10):
    journal.append("x", str(n), n)
    journal.flush()
os._exit(9)
"""
    path = tmp_path / "journal.sqlite3"
    assert spawn(source, path).wait(60) == 9
    with Journal(path, SystemClock(), room=True) as journal:
        assert [record.body for record in journal.records()] == list(range(10))


def test_a_hundred_records_wake_the_loop_for_one_commit(path, commits):
    sizes, release = commits

    async def main():
        journal = Journal(path, SystemClock(), durability="fsync").open(asyncio.get_running_loop())
        told = []
        for n in range(100):
            journal.append("intent of a decision", str(n), n, on_durable=lambda n=n: told.append(n))
        release.set()
        await journal.durable(journal.last_seq)
        journal.close()
        return told

    assert asyncio.run(main()) == list(range(100))
    assert len(sizes) <= 3


def test_a_file_system_that_refuses_the_room_is_written_to_all_the_same(tmp_path, spawn):
    source = """
import resource, signal, sys
from pathlib import Path
from ml4t.live.clock import SystemClock
from ml4t.live.journal import Journal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
with Journal(Path(sys.argv[1]), SystemClock(), durability="fsync", room=True) as journal:
    for n in range(10):
        journal.append("x", str(n), n)
        journal.flush()
"""
    path = tmp_path / "journal.sqlite3"
    assert spawn(source, path).wait(60) == 0
    with Journal(path, SystemClock()) as journal:
        assert [record.body for record in journal.records()] == list(range(10))


def test_what_is_held_together_is_in_one_commit_wherever_the_cut_falls(make, commits):
    sizes, release = commits
    journal = make(durability="fsync")
    journal.append("first", "x", 0)
    for n in range(1_500):
        journal.append("before", str(n), n)
    journal.hold()
    for n in range(1_000):
        journal.append("together", str(n), n)
    journal.release()
    journal.append("after", "x", 0)
    release.set()
    journal.flush()
    ends = list(itertools.accumulate(sizes))
    assert ends[-1] == 2_502
    assert not [end for end in ends if 1_501 < end < 2_501], "a commit takes 2,000 records, and what belongs to the last"


def test_what_is_also_recorded_is_in_the_same_commit_wherever_the_cut_falls(make, commits, monkeypatch):
    monkeypatch.setattr(writer, "_COMMIT_RECORDS", 1)
    sizes, release = commits
    journal = make(durability="fsync")
    for n in range(20):
        assert journal.append("one", str(n), n, also=[Also("two", str(n), n), Also("three", str(n), n)]) == 3 * n + 3
    release.set()
    journal.flush()
    assert sizes == [3] * 20
    assert [record.kind for record in journal.records()][:6] == ["one", "two", "three"] * 2


def test_what_is_also_recorded_is_looked_at_like_everything_else(make):
    journal = make(durability="write")
    with pytest.raises(TypeError, match="the body of a fill record is a Fill, not dict"):
        journal.append("note", "x", {}, also=[Also("fill", "x", {})])
    assert journal.last_seq == 0


def test_what_is_held_waits_while_what_was_before_is_committed(make, until):
    journal = make(durability="write")
    before = journal.append("before", "x", 0)
    journal.hold()
    for n in range(10):
        journal.append("together", str(n), n)
        journal.put("bucket", "key", n)
    until(lambda: journal.durable_seq == before)
    assert [record.subject for record in journal.records()] == ["x"]
    assert journal.state("bucket") == {}
    journal.release()
    until(lambda: journal.durable_seq == journal.last_seq)
    until(lambda: journal.state("bucket") == {"key": 9})


@pytest.mark.parametrize("inline", [False, True])
def test_a_flush_does_not_wait_for_what_is_held(make, inline):
    journal = make(durability="write", inline=inline)
    journal.hold()
    journal.append("together", "x", 0)
    journal.flush()
    assert journal.durable_seq == 1
    journal.append("together", "y", 0)
    journal.release()
    journal.flush()
    assert journal.durable_seq == 2


def test_an_inline_journal_commits_no_half_of_what_is_held(make):
    journal = make(durability="none", inline=True)
    journal.append("before", "x", 0)
    journal.hold()
    for n in range(1_200):
        journal.append("together", str(n), n)
    assert journal.durable_seq == 1
    journal.release()
    for n in range(500):
        journal.append("after", str(n), n)
    assert journal.durable_seq > 1_201


def test_more_than_half_of_the_capacity_is_not_held(make):
    journal = make(durability="write", capacity=100)
    journal.hold()
    for n in range(1_000):  # would wait for ever for room that it holds itself
        journal.append("together", str(n), n)
    journal.release()
    journal.flush()
    assert journal.durable_seq == 1_000


def test_what_another_thread_adds_does_not_wait_for_what_is_held(make, until):
    journal = make(durability="write")
    journal.hold()
    journal.append("together", "x", 0)
    watchdog = threading.Thread(target=journal.append, args=("health", "loop", "blocked"))
    watchdog.start()
    watchdog.join()
    until(lambda: journal.durable_seq == 2)
    journal.append("together", "y", 0)
    until(lambda: journal.durable_seq == 3)
    journal.release()
