"""Runs that are stopped, killed and run again: nothing is lost, nothing is done twice, and the end is the same."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from engine_kit import PATIENCE, Story, check_books, read
from engine_session import COUNT, make

from ml4t.live.journal import JournalReader, writer
from ml4t.live.journal.batch import Batch
from ml4t.live.ledger.recall import recall

HERE = Path(__file__).parent
SESSION = f"""
import sys, runpy
sys.path.insert(0, {str(HERE)!r})
runpy.run_path({str(HERE / "engine_session.py")!r}, run_name="__main__")
"""


class Session:
    """The session in a process of its own."""

    def __init__(self, state, feed="feed", durability="none"):
        self.journal = state / "shadow" / "journal.sqlite3"
        command = [sys.executable, "-W", "error", "-c", SESSION, str(state), feed, durability]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)

    def after(self, count):
        """Wait until so many events have been pushed; False when the data ended before."""
        seen = 0
        while seen < count:
            line = self.process.stdout.readline()
            if not line:
                return False
            if line.strip().isdigit():
                seen = int(line)
        return True

    def send(self, number):
        self.process.send_signal(number)

    def end(self):
        """Wait for the end and return the exit code."""
        _, self.errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode

    def story(self) -> Story:
        return read(self.journal)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a run tells that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    engine = make(folder, "feed", "none")
    asyncio.run(engine.run())
    story = read(engine.state_folder.journal)
    assert len(story.fills) > 30
    assert len(story.bodies("resolution")) > 50
    assert {body["trigger"] for body in story.bodies("firing")} == {"round", "every", "drift", "both", "then"}
    return story, forecasts(engine.state_folder.journal)


def forecasts(journal):
    """The forecasts with their outcomes, and the scores that follow from them."""
    with JournalReader(journal) as reader:
        board, _, _ = recall(reader)
        tracked = {each.forecast.forecast_id: each for each in reader.forecasts()}
    return tracked, {group: score.state() for group, score in board.scores.items()}


def keys(records):
    return [(record.kind, record.subject) for record in records]


def holdings(story):
    return {
        symbol: (line["quantity"], line["average_price"], line["opened_at"])
        for symbol, line in story.states["position"].items()
    }


def same(story, journal, whole):
    """The story is that of the run that nobody interrupted."""
    expected, expected_forecasts = whole
    check_books(story)
    assert {fill.execution_id: fill for fill in story.fills} == {fill.execution_id: fill for fill in expected.fills}
    assert story.orders == expected.orders
    assert forecasts(journal) == expected_forecasts
    assert sorted(keys(story.of("firing"))) == sorted(keys(expected.of("firing")))
    fired = {record.subject: record.body for record in story.of("firing")}
    assert fired == {record.subject: record.body for record in expected.of("firing")}
    for kind in ("forecast", "resolution", "intent", "fill", "verdict", "equity"):
        assert sorted(r.subject for r in story.of(kind)) == sorted(r.subject for r in expected.of(kind)), kind
    assert holdings(story) == holdings(expected)
    assert story.watermark == expected.watermark


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("feed", ["feed", "forgetful"])
def test_a_stop_signal_and_a_rerun_end_as_if_nothing_had_happened(tmp_path, whole, number, feed):
    first = Session(tmp_path, feed)
    assert first.after(COUNT // 3)
    first.send(number)
    assert first.end() == 0, first.errors.decode()
    stopped = first.story()
    check_books(stopped)
    assert stopped.bodies("run")[-1] == {"ended": True, "why": "stopped"}
    assert 0 < stopped.watermark < whole[0].watermark

    second = Session(tmp_path, feed)
    assert second.end() == 0, second.errors.decode()

    story = second.story()
    assert story.records[: len(stopped.records)] == stopped.records, "what was journalled is still there"
    same(story, second.journal, whole)


def test_a_third_run_has_nothing_to_do_and_the_watermark_stays(tmp_path, whole):
    for _ in range(2):
        assert Session(tmp_path).end() == 0
    before = read(tmp_path / "shadow" / "journal.sqlite3")
    session = Session(tmp_path)
    assert session.end() == 0

    story = session.story()
    assert [record.kind for record in story.records[len(before.records) :]] == ["run", "run"]
    same(story, session.journal, whole)


@pytest.mark.parametrize("durability", ["none", "write"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_kill_9_at_any_point_and_again_ends_as_if_nothing_had_happened(tmp_path, whole, seed, durability):
    chance = random.Random(seed)
    kills = 0
    for _ in range(5):
        session = Session(tmp_path, chance.choice(["feed", "forgetful"]), durability)
        if not session.after(chance.randint(1, COUNT // 3)):
            session.end()
            break
        session.send(signal.SIGKILL)
        session.end()
        kills += 1
        if session.journal.exists():
            check_books(session.story())
    assert kills >= 2

    last = Session(tmp_path, "feed", durability)
    assert last.end() == 0, last.errors.decode()
    same(last.story(), last.journal, whole)


def test_whatever_a_commit_cuts_off_no_fill_is_without_its_order(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "_COMMIT_RECORDS", 1)
    commits, write = [], Batch.write

    def noted(self, connection):
        commits.append([(kind, json.loads(text)) for _, _, kind, _, text in self._records])
        write(self, connection)

    monkeypatch.setattr(Batch, "write", noted)
    asyncio.run(make(tmp_path, "feed", "write").run())
    fills = [commit for commit in commits if any(kind == "fill" for kind, _ in commit)]
    assert len(fills) > 30
    for commit in fills:
        [filled] = [body["order_id"] for kind, body in commit if kind == "fill"]
        assert [body["order_id"] for kind, body in commit if kind == "order"] == [filled]
    refused = [commit for commit in commits if any(kind == "verdict" and not body["allowed"] for kind, body in commit)]
    assert refused
    assert all(any(kind == "order" for kind, _ in commit) for commit in refused)


STUBBORN = """
import asyncio, os, sys, threading
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from engine_kit import limits, trade
from ml4t.live import LiveEngine
from ml4t.live.testing import ListFeed

class Stubborn:
    calls = 0
    def on_data(self, timestamp, data, context, broker):
        self.calls += 1
        broker.submit_order("A", 1)
        if self.calls == 500:
            os.write(1, b"stuck\\n")
            while True:
                for _ in range(100_000):
                    pass

asyncio.run(LiveEngine(Stubborn(), None, ListFeed([trade("A", n) for n in range(1_000)]), risk=limits(),
                       state_dir=Path(sys.argv[2])).run())
"""


@pytest.mark.parametrize(("second", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_forces_the_end_and_leaves_a_journal_that_can_be_read(tmp_path, second, code):
    command = [sys.executable, "-c", STUBBORN, str(HERE), str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while b"stuck" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    # The strategy never returns, so that only the second one can do anything. It has to be a second one: a signal that
    # is still pending swallows its twin.
    while process.poll() is None:
        process.send_signal(second)
        try:
            process.communicate(timeout=0.5)
        except subprocess.TimeoutExpired:
            continue

    assert process.returncode == code
    story = read(tmp_path / "shadow" / "journal.sqlite3")
    assert len(story.of("intent")) == 500, "flushed before the end"
    check_books(story)


def test_a_stop_while_an_order_waits_for_the_disk_loses_no_order(tmp_path, whole):
    first = Session(tmp_path, "feed", "fsync")
    assert first.after(COUNT // 2)
    first.send(signal.SIGTERM)
    assert first.end() == 0, first.errors.decode()

    second = Session(tmp_path, "feed", "fsync")
    assert second.end() == 0, second.errors.decode()
    same(second.story(), second.journal, whole)
