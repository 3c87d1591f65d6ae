"""One trial: a venue, a session that is killed, the session that follows, and what the books say then."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from .checker import check
from .points import Course, DiskFull, Point, watch_journal
from .session import FastClock, Session
from .venue import VenueProcess

DEADLINE = 300.0
"""Seconds that one session may take; one that takes longer hangs."""


@attrs.frozen
class Trial:
    """What is done to the sessions: where the first is killed, where those after it, and when the disk is full."""

    kills: tuple[Point, ...] = ()
    disk_full: tuple[int, int] | None = None
    """From which commit of the first session, and for how many attempts, the disk is full."""
    searching: bool = True
    """Whether the venue can look up a single order."""

    def __str__(self) -> str:
        words = [f"--kill {point}" for point in self.kills]
        if self.disk_full is not None:
            words.append(f"--disk-full {self.disk_full[0]}:{self.disk_full[1]}")
        return " ".join(words + ["--snapshots"] * (not self.searching)) or "--whole"


@attrs.frozen
class Outcome:
    """What a trial showed: how many sessions were killed, the points that the last one passed, and what is wrong."""

    killed: int
    passed: Counter[str]
    faults: list[str]


def run_trial(trial: Trial) -> Outcome:
    """Run a trial in processes of its own; the caller must have no other threads, since it forks."""
    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    clock = FastClock(time.time_ns())
    venue = VenueProcess(clock)
    killed, passed = 0, Counter[str]()
    try:
        for point in (*trial.kills, None):
            disk = DiskFull(*trial.disk_full) if trial.disk_full is not None and not killed else None
            status, passed, why = _run_session(venue.port, folder, clock, Course(point), disk, searching=trial.searching)
            if status == -signal.SIGKILL and point is not None:
                killed += 1
            elif status != 0:
                return Outcome(killed, passed, [f"the session ended with {status}: {why}"])
            else:
                break  # it came to its end before it came by the point
        faults = check(venue.books(), folder / "paper" / "journal.sqlite3")
    finally:
        venue.close()
    if not faults:
        shutil.rmtree(folder)
    return Outcome(killed, passed, faults + [f"what it left is in {folder}"] * bool(faults))


def _run_session(
    port: int, folder: Path, clock: FastClock, course: Course, disk: DiskFull | None, *, searching: bool
) -> tuple[int, Counter[str], str]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _be_session(writing, port, folder, clock, course, disk, searching=searching)
    os.close(writing)
    status = _wait(pid)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    said: dict[str, Any] = json.loads(text) if text else {}
    return status, Counter(said.get("passed", {})), said.get("error", "")


def _be_session(
    writing: int, port: int, folder: Path, clock: FastClock, course: Course, disk: DiskFull | None, *, searching: bool
) -> None:
    """Become the session; never returns."""
    code, said = 0, {}
    try:
        log = os.open(folder / "output.txt", os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        watch_journal(course, disk)
        Session(port, folder, clock, course, searching=searching).run()
    except BaseException:  # noqa: BLE001 - whatever it was, the parent is told, and this process ends here
        code, said = 1, {"error": traceback.format_exc()}
    finally:
        os.write(writing, json.dumps({"passed": course.passed, **said}).encode())
        os._exit(code)


def _wait(pid: int) -> int:
    """Return the exit code of a child, negative for a signal; one that hangs is ended."""
    give_up = time.monotonic() + DEADLINE
    while time.monotonic() < give_up:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGABRT)
    os.waitpid(pid, 0)
    return -signal.SIGABRT


def points_of(passed: Counter[str]) -> list[Point]:
    """Return every point that a session came by."""
    return [Point(kind, number) for kind in sorted(passed) for number in range(1, passed[kind] + 1)]


def spread(points: Sequence[Point], count: int, seed: int) -> list[Point]:
    """Return about `count` of the points, some of every kind, the same for the same seed."""
    rng = random.Random(seed)
    kinds: dict[str, list[Point]] = {}
    for point in points:
        kinds.setdefault(point.kind, []).append(point)
    each = max(1, count // len(kinds))
    return [point for kind in kinds.values() for point in rng.sample(kind, min(each, len(kind)))]
