"""A damaged journal is repaired: what can be read is kept, what is lost is named, and the switch is never forgotten."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from ml4t.live.clock import SystemClock
from ml4t.live.errors import JournalError, StateLocked
from ml4t.live.journal import Journal, JournalReader, RecordKind, verify
from ml4t.live.journal.pages import Pages
from ml4t.live.journal.repair import repair
from ml4t.live.journal.salvage import Salvage

PAGE = 4096
CLOCK = SystemClock()


def garble(path, number, chance, *, start=0, length=PAGE):
    with path.open("r+b") as file:
        file.seek((number - 1) * PAGE + start)
        file.write(chance.randbytes(length))


def check(folder, before, report, *, thrown):
    """What holds after every repair, whatever was damaged."""
    assert verify(folder.journal) == []
    originals = {record.seq: record for record in before}
    with JournalReader(folder.journal, mode="live") as reader:
        kept = {record.seq: record for record in reader.records()}
        old = {seq: record for seq, record in kept.items() if seq <= len(before)}
        assert all(originals[seq] == record for seq, record in old.items())
        lost = {seq for first, last in report.lost for seq in range(first, last + 1)}
        assert lost == originals.keys() - old.keys()
        switch = reader.state("risk").get("kill_switch")
        assert switch is not None
        if thrown or report.kill_switch:
            assert switch["on"] is True
        held = reader.state("position")
        fills = len(reader.fills())
        assert held["A"]["quantity"] == fills or report.lost
    assert report.original is not None
    assert report.original.is_file()
    again = repair(folder, CLOCK)
    assert (again.original, again.lost) == (None, ())
    with Journal(folder.journal, CLOCK, mode="live") as journal:
        assert journal.append("x", "s", 1) > len(before)
    assert verify(folder.journal) == []


def test_a_whole_journal_is_left_alone(folder, trade):
    trade()
    bytes_before = folder.journal.read_bytes()
    assert repair(folder, CLOCK).original is None
    assert folder.journal.read_bytes() == bytes_before
    assert list(folder.path.glob("*.sqlite3")) == [folder.journal]


def test_the_pages_hold_what_sqlite_reads(folder, trade):
    before = trade()
    with Pages(folder.journal) as pages, JournalReader(folder.journal) as reader:
        salvage, rows = Salvage(pages), []
        salvage.scan(rows.append)
        assert [row[0] for row in rows] == [record.seq for record in before]
        assert salvage.state_whole
        assert salvage.torn == 0
        assert salvage.last_seq == len(before)
        assert {order.order_id for order in reader.orders()} == set(salvage.orders)
        assert {key[2] for key in salvage.fills} == {fill.execution_id for fill in reader.fills()}
        assert len(salvage.forecasts) == len(reader.forecasts())
        assert len([key for key in salvage.state if key[0] == "trigger"]) == 400


def test_garbage_in_any_page(folder, trade, tmp_path):
    before = trade(thrown=True)
    copy = tmp_path / "copy.sqlite3"
    shutil.copy(folder.journal, copy)
    chance = random.Random(3)
    repaired = losses = 0
    for number in range(1, copy.stat().st_size // PAGE + 1, 2):
        shutil.copy(copy, folder.journal)
        garble(folder.journal, number, chance)
        report = repair(folder, CLOCK)
        if report.original is not None:  # else it was an index's spare page
            repaired += 1
            losses += bool(report.lost)
            check(folder, before, report, thrown=True)
    assert repaired > 15
    assert 3 < losses < repaired


@pytest.mark.parametrize("seed", range(12))
def test_garbage_in_many_places(folder, trade, seed):
    chance = random.Random(seed)
    before = trade(thrown=True)
    pages = folder.journal.stat().st_size // PAGE
    for _ in range(chance.randint(2, pages)):
        length = chance.choice([1, 7, 100, 2_000])
        garble(folder.journal, chance.randint(1, pages), chance, start=chance.randrange(PAGE - length), length=length)
    report = repair(folder, CLOCK)
    if report.original is None:
        return
    assert verify(folder.journal) == []
    with JournalReader(folder.journal) as reader:
        assert reader.state("risk")["kill_switch"]["on"] is True
        kept = {record.seq for record in reader.records()} & set(range(1, len(before) + 1))
        assert len(kept) + sum(last - first + 1 for first, last in report.lost if last <= len(before)) >= len(before)


def test_a_file_of_which_nothing_is_left_becomes_a_journal_that_does_not_trade(folder, trade):
    trade()
    folder.journal.write_bytes(b"nothing of it" * 1_000)
    report = repair(folder, CLOCK)
    assert report.original.read_bytes().startswith(b"nothing of it")
    with JournalReader(folder.journal, mode="live") as reader:
        assert reader.state("risk")["kill_switch"]["on"] is True
        assert reader.last(RecordKind.KILL_SWITCH).body["reason"].startswith("the journal was repaired")


def test_what_the_log_had_committed_is_kept(folder, trade, tmp_path):
    trade()
    journal = Journal(folder.journal, CLOCK, mode="live").open()
    for n in range(10):
        journal.append("x", "late", n)
        journal.flush()
    copies = [tmp_path / "j", tmp_path / "j-wal"]
    shutil.copy(folder.journal, copies[0])
    shutil.copy(f"{folder.journal}-wal", copies[1])
    journal.close()
    shutil.copy(copies[0], folder.journal)
    shutil.copy(copies[1], f"{folder.journal}-wal")
    garble(folder.journal, 3, random.Random(1))
    with Path(f"{folder.journal}-wal").open("r+b") as log:
        log.seek(-3_000, 2)
        log.write(b"\xa5" * 2_000)  # no zeros: the free part of a page is full of them, and would be as it was
    report = repair(folder, CLOCK)
    assert report.original.with_name(report.original.name + "-wal").is_file()
    with JournalReader(folder.journal) as reader:
        late = [record.body for record in reader.records(subject="late")]
    assert late == list(range(len(late)))
    assert 1 <= len(late) <= 9


def test_a_row_that_knows_more_than_the_records_becomes_a_record(folder, trade):
    before = trade()
    connection = sqlite3.connect(folder.journal)
    connection.execute("DELETE FROM records WHERE kind IN ('fill', 'resolution') OR seq > 200")
    connection.commit()
    connection.close()
    report = repair(folder, CLOCK)
    assert report.recovered > 100
    assert report.lost[-1][1] <= len(before)
    with JournalReader(folder.journal) as reader:
        assert len(reader.fills()) == 55
        assert len(reader.orders()) == 60
        assert len(reader.orders(open_only=True)) == 5
        assert reader.state("position")["A"]["quantity"] == 55
        assert reader.last(RecordKind.REPAIR).body["recovered"] == report.recovered
    assert verify(folder.journal) == []


def test_holdings_and_cash_are_counted_from_the_fills(folder, trade):
    before = trade()
    with Pages(folder.journal) as pages:
        salvage = Salvage(pages)
        salvage.scan(lambda row: None)
        root = salvage._root
    garble(folder.journal, root, random.Random(1))
    report = repair(folder, CLOCK)
    assert not report.lost
    assert "could not all be read" in report.kill_switch
    with JournalReader(folder.journal) as reader:
        assert reader.state("position")["A"]["quantity"] == 55
        assert reader.state("position")["A"]["average_price"] == 10.0
    check(folder, before, report, thrown=True)


def test_a_run_keeps_the_repair_out(folder, trade):
    trade()
    garble(folder.journal, 3, random.Random(1))
    damaged = folder.journal.read_bytes()
    with folder.lock(), pytest.raises(StateLocked):
        repair(folder, CLOCK)
    assert folder.journal.read_bytes() == damaged


def test_a_start_on_a_damaged_journal_says_what_to_type(folder, trade):
    trade()
    garble(folder.journal, 1, random.Random(1))
    with pytest.raises(JournalError, match=f"ml4t-live journal repair --state-dir {folder.path}"):
        Journal(folder.journal, CLOCK, mode="live").open()


def test_a_garbled_value_is_told_as_damage(folder, trade):
    trade()
    connection = sqlite3.connect(folder.journal)
    connection.execute("UPDATE state SET body = '{' WHERE bucket = 'risk'")
    connection.commit()
    connection.close()
    with JournalReader(folder.journal) as reader, pytest.raises(JournalError, match="journal repair"):
        reader.state("risk")


def test_a_repair_that_is_killed_anywhere_can_be_run_again(folder, trade, killed_at, tmp_path):
    before = trade(20, thrown=True)
    garble(folder.journal, 3, random.Random(1))
    damaged = folder.journal.read_bytes()
    shutil.copytree(folder.path, tmp_path / "damaged")
    step, in_between = 1, 0
    while True:
        shutil.rmtree(folder.path)
        shutil.copytree(tmp_path / "damaged", folder.path)
        if killed_at("repair", step):
            break
        assert any(path.read_bytes() == damaged for path in folder.path.glob("journal*.sqlite3"))
        if (folder.path / "journal.repaired.sqlite3").exists():
            in_between += 1
            with pytest.raises(JournalError, match="interrupted; complete it: ml4t-live journal repair"):
                Journal(folder.journal, CLOCK).open()
        repair(folder, CLOCK)
        assert verify(folder.journal) == []
        with JournalReader(folder.journal) as reader:
            assert reader.state("risk")["kill_switch"]["on"] is True
            assert reader.last(RecordKind.REPAIR).seq > len(before)
        step += 1
    assert step > 15
    assert in_between > 1
