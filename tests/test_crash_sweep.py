"""A sample of the crash sweep, and what else can happen to a process: see docs/testing.md."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 1_500.0


def crash(module, *arguments):
    """Run one of the modules of tests/crash in a process that has no threads, since it forks."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        check=False,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def test_a_session_survives_a_crash_anywhere():
    done = crash("tests.crash", "--sample", 36, "--seed", 1)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert " 0 failed" in done.stdout.splitlines()[-1]
    killed = int(done.stdout.splitlines()[-1].split(" kills")[0].split()[-1])
    assert killed >= 25, "a sweep that kills nobody shows nothing"


def test_no_forecast_is_lost_and_none_resolved_twice_whatever_write_of_the_ledger_a_crash_comes_at():
    done = crash("tests.crash.forecasts", "--sample", 8)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert " 0 failed" in done.stdout.splitlines()[-1]
    killed = int(done.stdout.splitlines()[-1].split(" kills")[0].split()[-1])
    assert killed >= 6, "a sweep that kills nobody shows nothing"


def test_a_wrong_book_is_noticed():
    """The checker finds each fault that it looks for in books and a journal that disagree."""
    done = crash("tests.crash.selftest")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize("hardship", ["engine_stopped", "venue_stopped", "clock_forward", "clock_back", "file_system_full"])
def test_a_session_survives(hardship):
    done = crash("tests.crash.hardships", hardship)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1] == f"{hardship}: the books agree"


def test_a_hung_strategy_is_reported_and_the_second_signal_ends_it_with_everything_journalled():
    done = crash("tests.crash.hardships", "strategy_hangs")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1] == "strategy_hangs: the books agree"
