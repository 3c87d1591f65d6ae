"""`python -m tests.crash.hardships NAME`: what else a process lives through, and what the books say afterwards."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ml4t.live.errors import JournalError
from ml4t.live.journal import JournalReader, journal

from .checker import check
from .points import Course
from .script import Scripted
from .session import FastClock, Session
from .venue import VenueProcess

PATIENCE = 300.0
LONGER = 1.5
"""Seconds of the machine: 75 of the session, longer than it waits for anything but a silent feed."""
JUMP = 6 * 3600 * 10**9
AT_TICKS = (8, 21, 34)
"""When it happens; the session has just decided on one of these, or is about to."""


class Stage:
    """A venue, a folder, and the engines that run there one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "paper" / "journal.sqlite3"
        self.clock = JumpingClock(time.time_ns())
        self.venue = VenueProcess(self.clock)
        self._started: list[int] = []

    def start(self, strategy: Scripted | None = None) -> int:
        """Start an engine; return its process id."""
        pid = os.fork()
        if pid == 0:
            self._be_engine(strategy)
        self._started.append(pid)
        return pid

    def close(self) -> None:
        """End the venue, and engines that nobody has waited for: something has failed."""
        self.venue.close()
        for pid in self._started:
            with contextlib.suppress(ChildProcessError):  # it was waited for
                if not _ended(pid):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)

    def _be_engine(self, strategy: Scripted | None) -> None:
        code = 1
        try:
            log = os.open(f"{self.folder}.log", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            os.dup2(log, 1)
            os.dup2(log, 2)
            self.clock.obey()
            Session(self.venue.port, self.folder, self.clock, Course(), strategy=strategy).run()
            code = 0
        except BaseException:  # noqa: BLE001 - the log says it, and this process ends here
            traceback.print_exc()
        finally:
            os._exit(code)

    def until_tick(self, tick: int) -> None:
        """Wait until the session has come to a tick."""
        until(lambda: self.venue.books().tick >= tick, f"tick {tick}")

    def log(self) -> str:
        """What the engines have printed."""
        return Path(f"{self.folder}.log").read_text()


class JumpingClock(FastClock):
    """A clock that is set, by SIGUSR2 forward and by SIGHUP back; what is monotonic is not touched."""

    jump = 0

    def now(self) -> int:
        return super().now() + self.jump

    def obey(self) -> None:
        """Jump when told to."""
        signal.signal(signal.SIGUSR2, lambda *_: setattr(self, "jump", self.jump + JUMP))
        signal.signal(signal.SIGHUP, lambda *_: setattr(self, "jump", self.jump - JUMP))


class Hanging(Scripted):
    """Hangs at a tick."""

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        super().on_data(timestamp, data, context, broker)
        if self.tick == AT_TICKS[1]:
            self.hang()

    def hang(self) -> None:
        """Never return."""
        while True:
            pass


Hanging.__name__ = Scripted.__name__  # its orders are the same strategy's: the name is part of their ids


def engine_stopped(stage: Stage) -> int:
    """The engine's process gets no time for longer than every deadline."""
    return _stopped(stage, stage.start())


def venue_stopped(stage: Stage) -> int:
    """The venue answers nothing for longer than every deadline."""
    return _stopped(stage, stage.start(), victim=stage.venue.pid)


def _stopped(stage: Stage, engine: int, victim: int = 0) -> int:
    for tick in AT_TICKS:
        stage.until_tick(tick)
        os.kill(victim or engine, signal.SIGSTOP)
        threading.Event().wait(LONGER)
        os.kill(victim or engine, signal.SIGCONT)
    return wait(engine)


def clock_forward(stage: Stage) -> int:
    """The machine's clock is set forward, three times."""
    return _jumped(stage, signal.SIGUSR2)


def clock_back(stage: Stage) -> int:
    """The machine's clock is set back, three times."""
    return _jumped(stage, signal.SIGHUP)


def _jumped(stage: Stage, direction: signal.Signals) -> int:
    engine = stage.start()
    for tick in AT_TICKS:
        stage.until_tick(tick)
        os.kill(engine, direction)
    return wait(engine)


def file_system_full(stage: Stage) -> int:
    """The file system of the journal is full for a while, twice; the third time the session is killed meanwhile."""
    journal.make_room = lambda _: None  # a log that took its room at the start would notice nothing in a session so short
    with small_file_system(stage.folder) as (fill, free):
        engine = stage.start()
        for tick in AT_TICKS[:2]:
            stage.until_tick(tick)
            _while_it_stands(engine, fill)
            until(lambda: "the journal cannot be written" in stage.log(), "a full disk")
            free(engine)
            until(lambda: "the journal can be written again" in stage.log(), "a mended disk")
            Path(f"{stage.folder}.log").write_text("")
        stage.until_tick(AT_TICKS[2])
        _while_it_stands(engine, fill)
        until(lambda: "the journal cannot be written" in stage.log(), "a full disk")
        os.kill(engine, signal.SIGKILL)
        wait(engine)
        free(engine)
        code = wait(stage.start())
        kept = stage.folder.with_suffix(".kept")
        shutil.copytree(stage.folder, kept)
    stage.journal = kept / "paper" / "journal.sqlite3"
    return code


def _while_it_stands(engine: int, fill: Callable[[int], None]) -> None:
    """Fill the disk before the session goes on: on a busy machine it would be over by then."""
    os.kill(engine, signal.SIGSTOP)
    fill(engine)
    os.kill(engine, signal.SIGCONT)


@contextlib.contextmanager
def small_file_system(folder: Path) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """Make `folder` a file system of its own where that is allowed; else limit how large a process's files may grow."""
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "none", folder], check=False, capture_output=True)
    ballast = folder / "ballast"

    def fill(_engine: int) -> None:
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    if mount.returncode == 0:
        try:
            yield fill, lambda _engine: ballast.unlink()
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
        return
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield (
        lambda engine: resource.prlimit(engine, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY)),
        lambda engine: resource.prlimit(engine, resource.RLIMIT_FSIZE, unlimited),
    )


def strategy_hangs(stage: Stage) -> int:
    """A strategy never returns: the journal says where, and the second signal ends the process with everything on disk."""
    engine = stage.start(Hanging())
    stack = until(lambda: _stack(stage.journal), "the report of the watchdog")
    assert "in hang" in stack, stack
    os.kill(engine, signal.SIGTERM)  # two kinds, because two of one kind may arrive as one
    os.kill(engine, signal.SIGINT)
    code = wait(engine)
    assert code in {128 + signal.SIGTERM, 128 + signal.SIGINT}, code
    with JournalReader(stage.journal) as reader:
        made = {order.cause for order in reader.orders()}
    assert f"tick {AT_TICKS[1]}" in made, "the last decision before it hung is not in the journal"
    return wait(stage.start())


def _stack(journal: Path) -> str:
    with contextlib.suppress(JournalError), JournalReader(journal) as reader:
        said = [record.body for record in reader.records(kind="health")]
        return "".join(body["stack"] for body in said if body.get("state") == "blocked" and "in hang" in body["stack"])
    return ""


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for a condition and return what it says."""
    give_up = time.monotonic() + PATIENCE
    while not (said := condition()):
        if time.monotonic() > give_up:
            raise TimeoutError(f"{what} did not come within {PATIENCE:g} s")
        time.sleep(0.002)
    return said


def wait(pid: int) -> int:
    """Return the exit code of a child; one that hangs is ended."""
    try:
        status = until(lambda: _ended(pid), "the end of the session")
    except TimeoutError:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    return os.waitstatus_to_exitcode(status[1])


def _ended(pid: int) -> tuple[int, int] | None:
    done = os.waitpid(pid, os.WNOHANG)
    return done if done[0] else None


HARDSHIPS = {each.__name__: each for each in (engine_stopped, venue_stopped, clock_forward, clock_back, file_system_full)}
HARDSHIPS[strategy_hangs.__name__] = strategy_hangs


def main(name: str) -> int:
    """Live through one hardship; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="crash-") as parent:
        folder = Path(parent, "state")
        folder.mkdir()
        stage = Stage(folder)
        try:
            code = HARDSHIPS[name](stage)
            faults = check(stage.venue.books(), stage.journal)
        except Exception:  # noqa: BLE001 - told with the log
            code, faults = 1, [traceback.format_exc()]
        finally:
            stage.close()
        if code or faults:
            print(f"the last session ended with {code}", *faults, stage.log()[-5000:], sep="\n  ")
            return 1
    print(f"{name}: the books agree")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
