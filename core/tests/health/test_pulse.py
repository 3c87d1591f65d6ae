"""The pulse, turn by turn: what it says depends on whether the loop and the journal's writer get on, and on nothing else."""

from __future__ import annotations

import queue
import socket
import threading

import pytest

from ml4t.live.clock import SystemClock
from ml4t.live.health import Condition, Level
from ml4t.live.health.heartbeat import read_heartbeat
from ml4t.live.health.pulse import LONGEST_PHASE, Pulse
from ml4t.live.health.service import ServiceManager
from ml4t.live.times import NANOS

PATIENCE = 60.0


class Steps(SystemClock):
    """A clock that stands still; a thread that waits on it goes on when the test says so."""

    def __init__(self):
        self.time = 1_000 * NANOS
        self.waits = queue.Queue()
        self.asked = queue.Queue()

    def now(self):
        return self.time

    monotonic = now

    def wait(self, event, seconds):
        self.asked.put(seconds)
        self.waits.get(timeout=PATIENCE)
        return event.is_set()


class World:
    """A pulse on such a clock, beside a service manager with a watchdog of 20 s."""

    def __init__(self, folder, watchdog=20.0):
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.listener.bind(str(folder / "notify"))
        self.listener.setblocking(False)
        self.manager = ServiceManager(str(folder / "notify"), watchdog)
        self.clock = Steps()
        self.silent, self.writing = 0.0, None
        self.path = folder / "heartbeat.json"
        self.pulse = Pulse(
            "momentum",
            "paper",
            self.clock,
            silent=lambda: self.silent,
            writing=lambda: self.writing,
            every=5.0,
            patience=5.0,
            path=self.path,
            manager=lambda: self.manager,
        )

    def begin(self):
        self.pulse.start()
        self.wait = self.clock.asked.get(timeout=PATIENCE)
        return self

    def turn(self, seconds=5.0):
        """Let time pass, and return what the manager hears of the next turn."""
        self.clock.time += round(seconds * NANOS)
        self.clock.waits.put(None)
        self.wait = self.clock.asked.get(timeout=PATIENCE)
        return self.heard()

    def heard(self):
        said = []
        while True:
            try:
                said += self.listener.recv(4096).decode().split("\n")
            except BlockingIOError:
                return said

    @property
    def beat(self):
        return read_heartbeat(self.path)

    def close(self):
        self.clock.waits.put(None)
        self.pulse.stop("stopped", "over")
        self.manager.close()
        self.listener.close()


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path).begin()
    yield made
    made.close()


def test_a_start_asks_for_time_then_says_that_it_is_ready_and_a_stop_that_it_stops(world):
    assert world.heard() == ["WATCHDOG=1", "EXTEND_TIMEOUT_USEC=40000000", "STATUS=starting, ok"]
    assert world.beat.state == "starting"
    world.pulse.enter("connecting")
    assert world.heard() == ["READY=1"]
    assert world.turn() == ["WATCHDOG=1", "STATUS=connecting, ok"]
    world.pulse.enter("running")
    assert world.turn() == ["WATCHDOG=1", "STATUS=running, ok"]
    assert world.turn() == ["WATCHDOG=1"], "neither READY nor the same status again"
    world.pulse.enter("stopping")
    assert world.heard() == ["STOPPING=1"]
    assert world.turn() == ["WATCHDOG=1", "EXTEND_TIMEOUT_USEC=40000000", "STATUS=stopping, ok"]


def test_the_watchdog_hears_at_least_twice_within_its_time(world, tmp_path):
    assert world.wait <= 10.0
    world.manager.watchdog_seconds = 2.0
    world.turn()
    assert world.wait <= 1.0


def test_a_loop_that_hangs_loses_the_watchdog_and_the_file_says_so(world):
    world.pulse.enter("running")
    world.turn()
    world.silent = 9.0
    assert "WATCHDOG=1" in world.turn(), "it may be silent for half of the time"
    world.silent = 10.0
    assert "WATCHDOG=1" not in world.turn()
    assert world.beat.level is Level.DOWN
    assert world.beat.why == "event loop down: it has not turned for 10 s"
    world.silent = 0.0
    assert "WATCHDOG=1" in world.turn(), "it turns again"
    assert world.beat.level is Level.OK


def test_a_writer_that_hangs_loses_the_watchdog_and_the_file_says_so(world):
    world.pulse.enter("running")
    world.writing = 17
    assert "WATCHDOG=1" in world.turn()
    assert "WATCHDOG=1" in world.turn()
    said = world.turn()
    assert "WATCHDOG=1" not in said, "it has been at the same thing for 10 s"
    assert world.beat.level is Level.DOWN
    assert "journal down: its writer has not come back from the disk for 10 s" in world.beat.why
    world.writing = 18
    assert "WATCHDOG=1" in world.turn(), "it has got on"
    world.writing = None
    for _ in range(10):
        assert "WATCHDOG=1" in world.turn(), "it has nothing to do"


def test_while_the_journal_is_read_the_loop_may_be_blocked_but_not_for_ever(world):
    world.silent = 300.0
    with world.pulse.excused():
        assert "WATCHDOG=1" in world.turn(LONGEST_PHASE - 10)
        assert "EXTEND_TIMEOUT_USEC=40000000" in world.turn(0)
        assert "WATCHDOG=1" not in world.turn(20)
    with world.pulse.excused():
        assert "WATCHDOG=1" in world.turn()
    assert "WATCHDOG=1" not in world.turn()


def test_a_stop_that_takes_for_ever_gets_no_more_time(world):
    world.pulse.enter("stopping")
    assert "EXTEND_TIMEOUT_USEC=40000000" in world.turn()
    assert "EXTEND_TIMEOUT_USEC=40000000" not in world.turn(LONGEST_PHASE)


def test_a_stop_whose_journal_hangs_gets_no_more_time(world):
    world.pulse.enter("stopping")
    world.writing = 3
    world.turn()
    assert [line for line in world.turn(15) if line.startswith(("WATCHDOG", "EXTEND"))] == []


def test_ready_is_said_again_until_it_is_taken(world):
    while world.manager.tell(FILLER=1):
        pass
    world.pulse.enter("running")
    assert "READY=1" not in world.heard()
    assert world.turn()[0] == "READY=1"
    assert "READY=1" not in world.turn()


def test_the_status_says_what_is_not_well_the_worst_first(world):
    world.pulse.enter("running")
    world.pulse.conditions = [
        Condition("observer log", Level.DEGRADED, "slow"),
        Condition("feed main", Level.DOWN, "lost", essential=True),
    ]
    assert world.turn()[-1] == "STATUS=running, down: feed main down: lost; observer log degraded: slow"
    assert [part.part for part in world.beat.parts] == ["observer log", "feed main"]


def test_the_file_is_written_every_so_often_and_at_the_end(tmp_path):
    world = World(tmp_path, watchdog=4.0).begin()
    first = world.beat
    world.turn(1.0)
    assert world.beat == first, "a watchdog that is in a hurry does not make the file be written more often"
    world.turn(4.0)
    assert world.beat.time == first.time + 5 * NANOS
    world.close()
    assert (world.beat.state, world.beat.level, world.beat.why) == ("stopped", Level.OK, "over")
    assert not [thread for thread in threading.enumerate() if "pulse" in thread.name]


def test_a_folder_that_refuses_the_file_changes_nothing_else(tmp_path):
    world = World(tmp_path)
    world.pulse._path = tmp_path / "missing" / "heartbeat.json"
    world.begin()
    assert "WATCHDOG=1" in world.turn()
    world.close()
