"""The heartbeat file: whole at any moment, private, and what is made of it."""

from __future__ import annotations

import stat
import threading

import pytest

from ml4t.live.health import Condition, Level
from ml4t.live.health.heartbeat import MISSED, Heartbeat, parts_of, read_heartbeat, verdict, write_heartbeat
from ml4t.live.times import NANOS

NOW = 1_767_225_600 * NANOS


def beat(**changes):
    said = {"name": "momentum", "mode": "paper", "pid": 77, "state": "running", "level": Level.OK, "time": NOW, "every": 5.0}
    return Heartbeat(**said | changes)


def test_it_comes_back_as_it_was_and_nobody_else_reads_it(tmp_path):
    path = tmp_path / "heartbeat.json"
    conditions = [Condition("feed main", Level.DEGRADED, 'late "by" ä', {"age_seconds": 1.5}, since=NOW)]
    said = beat(level=Level.DEGRADED, why="feed main degraded", parts=parts_of(conditions))
    write_heartbeat(path, said)
    assert read_heartbeat(path) == said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["heartbeat.json"]


def test_a_reader_finds_it_whole_at_any_moment(tmp_path):
    path = tmp_path / "heartbeat.json"
    write_heartbeat(path, beat())
    done = threading.Event()

    def write():
        for number in range(300):
            write_heartbeat(path, beat(pid=number, why="x" * 50_000))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set():
        assert read_heartbeat(path) is not None
        reads += 1
    writer.join()
    assert reads


@pytest.mark.parametrize("text", ["", "{", '{"name": 1}', "null", "\0"])
def test_what_cannot_be_read_is_none(tmp_path, text):
    (tmp_path / "heartbeat.json").write_text(text)
    assert read_heartbeat(tmp_path / "heartbeat.json") is None


def test_none_is_none(tmp_path):
    assert read_heartbeat(tmp_path / "heartbeat.json") is None


LATE = NOW + round((MISSED * 5.0 + 0.1) * NANOS)


@pytest.mark.parametrize(
    ("said", "pid", "now", "level", "words"),
    [
        (None, None, NOW, Level.OK, "not running"),
        (None, 77, NOW, Level.OK, "running"),
        (beat(), 77, NOW + 20 * NANOS, Level.OK, "running"),
        (beat(), 77, LATE, Level.DOWN, "process 77 has not been heard of for 20 s"),
        (beat(), 77, NOW - 3600 * NANOS, Level.OK, "running"),  # a clock that was set back
        (beat(state="connecting"), 77, NOW, Level.OK, "connecting"),
        (beat(level=Level.DEGRADED, why="feed main"), 77, NOW, Level.DEGRADED, "feed main"),
        (beat(level=Level.DOWN, why="venue"), 77, NOW, Level.DOWN, "venue"),
        (beat(), None, NOW, Level.DOWN, "process 77 has ended without saying so"),
        (beat(state="stopping"), None, NOW, Level.DOWN, "process 77 has ended without saying so"),
        (beat(state="stopped"), None, LATE, Level.OK, "stopped"),
        (beat(state="stopped"), 78, LATE, Level.OK, "it has just begun"),
        (beat(state="failed", why="FeedRefused: no"), None, LATE, Level.DOWN, "the run failed: FeedRefused: no"),
        (beat(state="failed", why="FeedRefused: no"), 78, LATE, Level.OK, "it has just begun"),
    ],
)
def test_the_verdict(said, pid, now, level, words):
    found, text = verdict(said, pid, now)
    assert found is level
    assert text.startswith(words)


def test_no_disk_is_waited_for(tmp_path, monkeypatch):
    synced = []
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(f"os.{name}", synced.append)
    write_heartbeat(tmp_path / "heartbeat.json", beat())
    assert synced == []
