"""Old records move to an archive, and nothing is lost or there twice."""

from __future__ import annotations

import os
import shutil

import pytest

from ml4t.live.clock import SystemClock
from ml4t.live.errors import JournalError, StateLocked
from ml4t.live.journal import Journal, JournalReader, verify
from ml4t.live.journal.repair import repair
from ml4t.live.journal.rotate import archives, rotate

CLOCK = SystemClock()
EVERY = int(os.environ.get("ML4T_LIVE_EVERY_STEP", "4"))
"""Each run of the rotation is killed so many steps later than the one before; 1 tries them all."""


def everything(folder):
    """Return all records by number, those of the archives too; none may be there twice."""
    found = {}
    for path in (folder.journal, *archives(folder.path)):
        with JournalReader(path, mode="live") as reader:
            for record in reader.records():
                assert record.seq not in found
                found[record.seq] = record
    return found


def check(folder, before):
    found = everything(folder)
    assert [found[record.seq] for record in before] == before
    assert {found[seq].kind for seq in found.keys() - {record.seq for record in before}} <= {"rotation"}
    assert [verify(path) for path in (folder.journal, *archives(folder.path))] == [[]] * (1 + len(archives(folder.path)))
    with JournalReader(folder.journal) as reader:
        assert len(reader.orders(open_only=True)) == 5
        assert len(reader.fills()) == 55
        assert reader.has_fill("v", "a", "x1")
        assert reader.state("position")["A"]["quantity"] == 55
        assert reader.state("risk")["kill_switch"]["by"] == "ann"


def test_forecasts_that_no_noted_score_follows_from_stay(folder, trade):
    before = trade()
    noted = next(record.seq for record in before if record.subject == "f30")
    with Journal(folder.journal, CLOCK, mode="live") as journal:
        journal.put("ledger", "through", noted)
    rotate(folder, CLOCK, keep=20)
    with JournalReader(folder.journal) as reader:
        kept = {subject for _, _, subject in reader.ledger_records(noted)}
    assert {record.subject for record in before if record.seq > noted and record.kind in {"forecast", "resolution"}} == kept
    check(folder, before)


def test_old_records_move(folder, trade):
    before = trade()
    done = rotate(folder, CLOCK, keep=100)
    assert archives(folder.path) == [done.archive]
    assert done.moved > 150
    assert done.kept < 130
    check(folder, before)
    with JournalReader(done.archive) as archive:
        assert archive.order("o1").filled_quantity == 1.0
        assert archive.forecast("f1").resolution is not None
        assert len(list(archive.records())) == done.moved
    with JournalReader(folder.journal) as reader:
        assert reader.order("o1") is None
        assert reader.order("o60") is not None
        assert reader.last("run").body["name"] == "test"
        assert sum(reader.counts().values()) == done.kept


def test_the_numbers_go_on_and_a_second_rotation_makes_a_second_archive(folder, trade):
    before = trade()
    rotate(folder, CLOCK, keep=100)
    with Journal(folder.journal, CLOCK, mode="live") as journal:
        assert journal.last_seq == len(before) + 1
        assert journal.has_fill("v", "a", "x1")
    assert rotate(folder, CLOCK, keep=100).moved <= 5
    assert rotate(folder, CLOCK, keep=1).moved > 20
    assert len(archives(folder.path)) >= 2
    check(folder, before)


def test_there_may_be_nothing_to_move(folder, trade):
    before = trade()
    assert rotate(folder, CLOCK).archive is None
    assert list(folder.path.glob("*.sqlite3")) == [folder.journal]
    check(folder, before)


def test_a_run_and_a_damage_keep_it_out(folder, trade):
    trade()
    with folder.lock(), pytest.raises(StateLocked):
        rotate(folder, CLOCK)
    with folder.journal.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(bytes(4096))
    with pytest.raises(JournalError, match="ml4t-live journal repair"):
        rotate(folder, CLOCK)


def test_a_rotated_journal_can_be_repaired(folder, trade):
    before = trade()
    rotate(folder, CLOCK, keep=100)
    pages = folder.journal.stat().st_size // 4096
    for number in range(2, pages):
        with folder.journal.open("r+b") as file:
            file.seek(number * 4096)
            file.write(bytes(4096))
        report = repair(folder, CLOCK)
        if report.original is not None:
            break
    assert verify(folder.journal) == []
    found = everything(folder)
    lost = {seq for first, last in report.lost for seq in range(first, last + 1)}
    assert {record.seq for record in before} - lost <= found.keys()


def test_a_rotation_that_is_killed_anywhere_loses_nothing_and_doubles_nothing(folder, trade, killed_at, tmp_path):
    before = trade()
    shutil.copytree(folder.path, tmp_path / "before")
    step, moved = 1, 0
    while True:
        shutil.rmtree(folder.path)
        shutil.copytree(tmp_path / "before", folder.path)
        if killed_at("rotate", step):
            break
        with Journal(folder.journal, CLOCK, mode="live") as journal:  # a start in between
            assert len(journal.orders(open_only=True)) == 5
        moved += not rotate(folder, CLOCK, keep=100).moved > 100
        assert not (folder.path / "journal.rotating.sqlite3").exists()
        check(folder, before)
        step += EVERY
    assert step > 20
    assert moved > 1
