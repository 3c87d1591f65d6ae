"""Sessions whose process is killed with SIGKILL: what is on the tape is replayed, and the rest is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from parity_kit import check_same, replayed, tape_of

from ml4t.live.config.strategy import StrategySource

SCRIPT = Path(__file__).parent / "killed_session.py"


def run_and_kill(folder, kind, calls):
    """Start the session, and kill it after so many calls."""
    with subprocess.Popen([sys.executable, str(SCRIPT), str(folder), kind], stdout=subprocess.PIPE) as process:
        for _ in range(calls):
            assert process.stdout.readline(), "the session has ended before it could be killed"
        process.kill()
    assert process.returncode == -9


@pytest.mark.parametrize(("kind", "mode"), [("recorded", "shadow"), ("live", "paper"), ("thread", "paper")])
def test_a_session_that_was_killed_again_and_again(folder, kind, mode):
    for calls in (900, 350, 700):
        run_and_kill(folder, kind, calls)
    strategy = StrategySource("honest_strategies:Blind", str(SCRIPT.parent), {}) if kind == "thread" else None
    found = check_same(folder, mode, runs=3, least=30, strategy=strategy)
    for run in found.runs:
        assert run.replay.calls > 100
        assert any("no end" in note for note in run.notes)


@pytest.mark.parametrize("lost", [1, 700, 0.5])
def test_a_tape_that_is_cut_off_is_used_up_to_its_last_whole_frames(folder, lost):
    """Bytes, or a share of the tape. How far the journal got before the kill is another matter."""
    run_and_kill(folder, "recorded", 1_500)
    whole = replayed(folder).runs[0].replay
    tape = tape_of(folder)
    written = tape.read_bytes()
    tape.write_bytes(written[: -int(lost if lost >= 1 else lost * len(written))])
    (run,) = check_same(folder, least=5).runs
    assert 0 < run.replay.calls < whole.calls
    assert any("orders of the journal" in note for note in run.notes) == (run.replay.beyond > 0)


def test_a_session_that_was_killed_and_then_ended(folder):
    run_and_kill(folder, "recorded", 1_200)
    subprocess.run([sys.executable, str(SCRIPT), str(folder), "recorded"], stdout=subprocess.DEVNULL, check=True)
    found = check_same(folder, runs=2, least=100)
    assert found.runs[1].notes == ()
