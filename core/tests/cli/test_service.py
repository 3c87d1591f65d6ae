"""A run as a service: what its manager hears at a real socket, the heartbeat file, and what `status` makes of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ml4t.live.health.heartbeat import read_heartbeat
from ml4t.live.journal import JournalReader, RecordKind, StateDir

PATIENCE = 120.0
WATCHDOG_SECONDS = 2.0

LIVE = """
import asyncio, sys, threading
from ml4t.live import LiveEngine, LiveRiskConfig, Trade
from ml4t.live.clock import SystemClock
from ml4t.live.config.settings import EngineSettings
from ml4t.live.errors import FeedRefused

folder, how = sys.argv[1:]

class Ticks:
    historical = False
    symbols = ("AAA",)

    async def run(self, sink):
        clock = SystemClock()
        for n in range(1_000_000):
            sink.push(Trade("AAA", clock.now(), 100.0, 1.0))
            if n == 20 and how == "refused":
                raise FeedRefused("the account is closed")
            await clock.sleep(0.01)

class Wedge:  # an object that never becomes text, on the thread that writes the journal
    def __str__(self):
        threading.Event().wait()
    __repr__ = __str__

class Watches:
    calls = 0

    def on_data(self, timestamp, data, context, broker):
        self.calls += 1
        if self.calls == 20 and how == "hang":
            while True:
                pass
        if self.calls == 20 and how == "journal":
            engine.core.record("error", "test", {"value": Wedge()})

settings = EngineSettings(heartbeat_seconds=0.2, blocked_after_seconds=0.5)
engine = LiveEngine(Watches(), None, Ticks(), risk=LiveRiskConfig(), state_dir=folder, settings=settings)
asyncio.run(engine.run())
"""


class Service:
    """A run in a process of its own, and the socket of its manager."""

    def __init__(self, folder: Path, how: str) -> None:
        self.state = StateDir(folder / "state", "shadow")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.listener.bind(str(folder / "notify"))
        self.listener.setblocking(False)
        self.messages: list[str] = []
        environ = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": str(round(WATCHDOG_SECONDS * 1e6))}
        command = [sys.executable, "-c", LIVE, str(self.state.root), how]
        self.popen = subprocess.Popen(command, env=os.environ | environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self.popen.kill()
        self.popen.communicate()
        self.listener.close()

    def hear(self) -> list[str]:
        """Take what has been said, and return all that was said so far."""
        while True:
            try:
                self.messages += self.listener.recv(65_536).decode().split("\n")
            except BlockingIOError:
                return self.messages

    def until(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not (found := condition()):
            assert time.monotonic() < deadline, f"{what} did not happen within {PATIENCE} s; {self.messages[-5:]}"
            self.hear()  # a queue that nobody reads is soon full
            time.sleep(0.01)
        return found

    @property
    def beat(self):
        return read_heartbeat(self.state.heartbeat)

    def until_beat(self, condition, what):
        return self.until(lambda: (beat := self.beat) is not None and condition(beat) and beat, what)

    def until_status(self, world, condition, what, *options):
        """Wait until `status` says something: of a busy machine it now and then says that it has not been heard of."""
        command = ("status", "--state-dir", self.state.root, *options)
        return self.until(lambda: (status := world.invoke(*command)) is not None and condition(status) and status, what)

    def further_beats(self, count):
        for _ in range(count):
            last = self.beat.time
            self.until_beat(lambda beat, last=last: beat.time > last, "another heartbeat")


@pytest.fixture
def service(tmp_path):
    opened = []

    def start(how="well"):
        opened.append(Service(tmp_path, how))
        return opened[-1]

    yield start
    for each in opened:
        each.__exit__()


def test_a_run_is_ready_is_heard_of_and_says_that_it_stops(service, world):
    run = service()
    run.until(lambda: "READY=1" in run.messages, "the end of the start")
    run.until(lambda: run.messages[run.messages.index("READY=1") :].count("WATCHDOG=1") >= 5, "five pings")
    said = list(run.messages)
    assert said.count("READY=1") == 1
    assert any(line.startswith("STATUS=running") for line in said)
    run.until_beat(lambda beat: beat.state == "running" and beat.parts, "a look at every part")
    at = ("status", "--state-dir", run.state.root)
    well = lambda status: status.code == 0 and status.json["health"]["state"] == "ok"  # noqa: E731
    status = run.until_status(world, well, "being well", "--running", "--json")
    assert {part["part"] for part in status.json["parts"]} >= {
        "event loop",
        "inbox",
        "journal",
        "feed feed1",
        "agenda",
        "strategy",
    }
    run.until_status(world, lambda status: "Health: ok" in status.stdout, "being well")
    run.popen.send_signal(signal.SIGTERM)
    run.until(lambda: run.popen.poll() is not None, "its end")
    assert run.popen.returncode == 0
    assert run.hear().index("STOPPING=1") > said.index("READY=1")
    assert run.beat.state == "stopped"
    status = world.invoke(*at)
    assert (status.code, "Health: ok (stopped)" in status.stdout) == (0, True)
    assert world.invoke(*at, "--running").code == 1


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("hang", "event loop down: it has not turned for"),
        ("journal", "journal down: its writer has not come back from the disk for"),
    ],
)
def test_what_hangs_loses_the_watchdog_while_the_file_says_what_it_is(service, world, how, says):
    run = service(how)
    hung = run.until_beat(lambda beat: says in beat.why and _seconds(beat.why, says) > WATCHDOG_SECONDS, says)
    assert run.popen.poll() is None
    assert hung.level == "down"
    run.hear().clear()
    run.further_beats(5)
    assert [line for line in run.hear() if not line.startswith("STATUS=")] == []
    if how == "hang":  # the journal is free to be read
        status = run.until_status(world, lambda status: says in status.stderr, says)
        assert status.code == 1


def _seconds(text, says):
    return float(text.partition(says)[2].split()[0])


def test_a_process_that_was_killed_is_not_taken_for_one_that_stopped(service, world):
    run = service()
    run.until_beat(lambda beat: beat.state == "running", "the run")
    run.popen.kill()
    run.popen.wait(PATIENCE)
    status = world.invoke("status", "--state-dir", run.state.root)
    assert status.code == 1
    assert f"process {run.popen.pid} has ended without saying so" in status.stderr


def test_a_process_that_stands_still_is_stale(service, world):
    run = service()
    run.until_beat(lambda beat: beat.state == "running", "the run")
    run.popen.send_signal(signal.SIGSTOP)
    try:
        stale = run.until_status(world, lambda status: "not been heard of" in status.stderr, "staleness")
    finally:
        run.popen.send_signal(signal.SIGCONT)
    assert stale.code == 1
    assert f"process {run.popen.pid} has not been heard of for" in stale.stderr
    run.until_status(world, lambda status: status.code == 0, "being heard of again")


def test_a_run_that_failed_is_not_taken_for_one_that_stopped(service, world):
    run = service("refused")
    run.until(lambda: run.popen.poll() is not None, "its end")
    assert run.popen.returncode == 1
    assert (run.beat.state, run.beat.why) == ("failed", "FeedRefused: the account is closed")
    assert "STOPPING=1" in run.hear()
    status = world.invoke("status", "--state-dir", run.state.root)
    assert (status.code, "the run failed: FeedRefused: the account is closed" in status.stderr) == (1, True)


def test_the_heartbeat_is_no_record_and_recorded_data_know_of_no_condition(world, finished):
    with JournalReader(StateDir(world.state, "shadow").journal) as journal:
        assert list(journal.records(RecordKind.CONDITION)) == []
    assert read_heartbeat(StateDir(world.state, "shadow").heartbeat).state == "stopped"
