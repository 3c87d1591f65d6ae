"""What the writer's thread is at: seen from outside, so that one that hangs is told from one that has nothing to do."""

from __future__ import annotations

import sqlite3
import threading
import time

import pytest

from ml4t.live.clock import SystemClock
from ml4t.live.journal import Journal

PATIENCE = 60.0


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "journal.sqlite3", SystemClock()).open() as opened:
        yield opened


def test_one_that_has_nothing_to_do_is_at_nothing(journal):
    until(lambda: journal.writing is None)
    journal.append("note", "a", {})
    journal.flush()
    until(lambda: journal.writing is None)


def test_one_that_hangs_is_at_the_same_thing_and_one_that_goes_on_is_not(journal):
    released, reached = threading.Event(), threading.Event()

    class Wedge:
        def __str__(self):
            reached.set()
            released.wait(PATIENCE)
            return "out"

        __repr__ = __str__

    until(lambda: journal.writing is None)
    journal.append("note", "a", {"value": Wedge()})
    assert reached.wait(PATIENCE)
    at = journal.writing
    assert at is not None
    journal.append("note", "b", {})
    journal.put("bucket", "key", 1)
    assert journal.writing == at
    released.set()
    until(lambda: journal.writing != at)
    journal.flush()
    until(lambda: journal.writing is None)


def test_one_whose_disk_refuses_gets_on_with_trying(journal, tmp_path):
    """It does not hang: another process that took its place would be refused as well."""
    other = sqlite3.connect(tmp_path / "journal.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    journal.append("note", "a", {})
    until(lambda: journal.failure is not None)
    at = journal.writing
    until(lambda: journal.writing != at)
    other.execute("ROLLBACK")
    other.close()
    journal.flush()


def test_a_closed_one_is_at_nothing(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite3", SystemClock())
    assert journal.writing is None
    journal.open().close()
    assert journal.writing is None


def test_on_the_callers_thread_there_is_nobody_to_hang(tmp_path):
    with Journal(tmp_path / "journal.sqlite3", SystemClock(), inline=True).open() as journal:
        journal.append("note", "a", {})
        assert journal.writing is None
