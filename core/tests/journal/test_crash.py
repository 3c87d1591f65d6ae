"""What is left after a process dies, or a file is torn."""

from __future__ import annotations

import random
import shutil
import sqlite3

import pytest

from ml4t.live.clock import SystemClock
from ml4t.live.errors import JournalError
from ml4t.live.journal import Journal, JournalReader, verify
from ml4t.live.journal.schema import VERSION
from ml4t.live.model import Order, OrderSide, OrderState

WRITER = """
import asyncio, os, sys
from pathlib import Path
from ml4t.live.clock import SystemClock
from ml4t.live.journal import Journal, StatePut
from ml4t.live.model import Order, OrderSide, OrderState

async def main():
    journal = Journal(Path(sys.argv[1]), SystemClock(), durability=sys.argv[2]).open(asyncio.get_running_loop())
    while True:
        for _ in range(20):
            number = journal.last_seq + 1
            order = Order(f"o{number}", "A", OrderSide.BUY, float(number), state=OrderState.INTENT)
            acknowledge = lambda number=number: os.write(1, b"%d\\n" % number)
            journal.append("intent", order.order_id, order, state=[StatePut("last", "seq", number)], on_durable=acknowledge)
        await asyncio.sleep(0)

asyncio.run(main())
"""


@pytest.mark.parametrize("durability", ["fsync", "write"])
def test_what_was_acknowledged_is_there_after_kill_9(spawn, path, durability):
    chance = random.Random(7)
    acknowledged = 0
    for _ in range(5):
        process = spawn(WRITER, path, durability)
        enough = acknowledged + chance.randint(1, 800)
        while acknowledged < enough:
            acknowledged = int(process.stdout.readline())
        process.kill()
        process.wait(60)
        acknowledged = max([acknowledged, *map(int, process.stdout.read().split())])
        assert verify(path) == []
        with JournalReader(path) as reader:
            records = list(reader.records())
            assert len(records) >= acknowledged
            assert [record.body["quantity"] for record in records] == [float(seq) for seq in range(1, len(records) + 1)]
            assert len(reader.orders(open_only=True)) == len(records)
            assert reader.state("last") == {"seq": len(records)}


def _torn(tmp_path, path):
    """A copy of a journal with ten commits in its log and none in its file."""
    journal = Journal(path, SystemClock()).open()
    for number in range(1, 11):
        journal.append("x", "s", number)
        journal.flush()
    copy = tmp_path / "copy.sqlite3"
    shutil.copy(path, copy)
    shutil.copy(f"{path}-wal", f"{copy}-wal")
    journal.close()
    return copy


@pytest.mark.parametrize("cut", [1, 100, 5_000, 20_000])
def test_a_truncated_log_keeps_the_commits_before_the_tear(tmp_path, path, cut):
    copy = _torn(tmp_path, path)
    log = copy.with_name(copy.name + "-wal")
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - cut)
    _check_prefix(copy, at_least=1, at_most=9)


def test_a_garbled_log_keeps_the_commits_before_the_damage(tmp_path, path):
    copy = _torn(tmp_path, path)
    log = copy.with_name(copy.name + "-wal")
    with log.open("r+b") as file:
        file.seek(-3_000, 2)
        file.write(bytes(random.Random(1).randbytes(2_000)))
    _check_prefix(copy, at_least=1, at_most=9)


def _check_prefix(copy, *, at_least, at_most):
    with Journal(copy, SystemClock()) as journal:
        bodies = [record.body for record in journal.records()]
        assert bodies == list(range(1, len(bodies) + 1))
        assert at_least <= len(bodies) <= at_most
        assert journal.append("x", "s", len(bodies) + 1) == len(bodies) + 1
    assert verify(copy) == []


def test_a_newer_version_is_refused_with_the_remedy(make, path):
    make().close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    for opening in (lambda: Journal(path, SystemClock()).open(), lambda: JournalReader(path)):
        with pytest.raises(JournalError, match=f"version {VERSION + 1}.*pip install --upgrade"):
            opening()
    assert "pip install" in verify(path)[0]


def test_a_file_that_is_no_journal_is_refused_and_left_alone(path):
    path.write_bytes(b"important notes, not a database" * 100)
    before = path.read_bytes()
    for opening in (lambda: Journal(path, SystemClock()).open(), lambda: JournalReader(path)):
        with pytest.raises(JournalError, match=r"journal\.sqlite3"):
            opening()
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_refused(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    for opening in (lambda: Journal(path, SystemClock()).open(), lambda: JournalReader(path)):
        with pytest.raises(JournalError, match="not a journal of ml4t-live"):
            opening()


def test_the_journal_of_another_mode_is_refused(make, path):
    make(mode="paper").close()
    with pytest.raises(JournalError, match="paper run"):
        Journal(path, SystemClock(), mode="live").open()
    with pytest.raises(JournalError, match="paper run"):
        JournalReader(path, mode="live")
    with JournalReader(path) as reader:
        assert reader.mode() == "paper"


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(JournalError, match="nowhere"):
        Journal(tmp_path / "nowhere" / "j", SystemClock()).open()


def test_the_intents_of_a_killed_run_are_found_at_the_next_start(spawn, path):
    process = spawn(WRITER, path, "fsync")
    process.stdout.readline()
    process.kill()
    process.communicate(timeout=300)
    with Journal(path, SystemClock()) as journal:
        (first, *_) = journal.orders(open_only=True)
        assert first == Order("o1", "A", OrderSide.BUY, 1.0, state=OrderState.INTENT)
        assert journal.last_seq == sum(journal.counts().values())
