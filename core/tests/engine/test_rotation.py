"""A start on a journal that has grown too long moves the older half of it away, and goes on as if nothing had been."""

from __future__ import annotations

import asyncio

from engine_kit import SECOND, Diary, limits, read, trade

from ml4t.live import LiveEngine
from ml4t.live.clock import SystemClock
from ml4t.live.config.settings import EngineSettings
from ml4t.live.journal import Journal, JournalReader, StateDir, verify
from ml4t.live.journal.rotate import archives
from ml4t.live.testing import ListFeed


def run(tmp_path, first, **settings):
    """Run a strategy that buys with every one of a hundred trades from number `first` on; return the engine."""

    async def main():
        feed = ListFeed([trade("A", n * SECOND) for n in range(first, first + 100)])
        diary = Diary(lambda self, data, broker: broker.submit_order("A", 1))
        engine = LiveEngine(diary, None, feed, risk=limits(), state_dir=tmp_path, settings=EngineSettings(**settings))
        await engine.run()
        return engine

    return asyncio.run(main())


def lengthen(tmp_path):
    """Add two MiB of old records to the journal."""
    folder = StateDir(tmp_path, "shadow")
    with Journal(folder.journal, SystemClock(), mode="shadow") as journal:
        for n in range(200):
            journal.append("ballast", str(n), "x" * 10_000)


def test_a_start_rotates_a_journal_that_is_too_long(tmp_path):
    run(tmp_path, 0)
    lengthen(tmp_path)
    engine = run(tmp_path, 100, journal_max_mib=1)
    folder = engine.state_folder
    (archive,) = archives(folder.path)
    assert verify(archive) == verify(folder.journal) == []
    story = read(folder.journal)
    assert len(story.of("rotation")) == 1
    with JournalReader(archive) as reader:
        moved = {record.seq for record in reader.records()}
    assert moved
    assert not moved & {record.seq for record in story.records}
    assert len(story.fills) == 199, "each is known for ever, wherever its record is"
    with JournalReader(folder.journal) as reader:
        assert reader.state("position")["A"]["quantity"] == 199


def test_a_short_one_and_one_without_a_limit_stay(tmp_path):
    run(tmp_path, 0, journal_max_mib=1)
    lengthen(tmp_path)
    engine = run(tmp_path, 100)
    assert archives(engine.state_folder.path) == []
    run(tmp_path, 200, journal_max_mib=100)
    assert archives(engine.state_folder.path) == []


def test_a_fill_of_the_archive_is_not_booked_again(tmp_path):
    run(tmp_path, 0)
    lengthen(tmp_path)
    engine = run(tmp_path, 100, journal_max_mib=1)
    (archive,) = archives(engine.state_folder.path)
    with JournalReader(archive) as reader:
        old = reader.fills()[0]
    with Journal(engine.state_folder.journal, SystemClock(), mode="shadow") as journal:
        assert journal.has_fill(old.venue, old.account, old.execution_id)
        assert not journal.has_fill(old.venue, old.account, "other")


def test_a_journal_that_cannot_be_rotated_is_run_on_as_it_is(tmp_path):
    run(tmp_path, 0)
    lengthen(tmp_path)
    folder = StateDir(tmp_path, "shadow")
    (folder.path / "journal.rotating.sqlite3").mkdir()  # where the archive would be made
    run(tmp_path, 100, journal_max_mib=1)
    assert archives(folder.path) == []
    assert len(read(folder.journal).fills) == 199
