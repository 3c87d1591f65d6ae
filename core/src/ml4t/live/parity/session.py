"""A whole session again, run by run, each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import attrs
import msgspec

from ml4t.live.config.strategy import StrategySource
from ml4t.live.errors import LiveError
from ml4t.live.journal import StateDir
from ml4t.live.parity.plan import RecordedRun, runs_of
from ml4t.live.parity.replay import RunReplay
from ml4t.live.parity.request import Answer, Request
from ml4t.live.report.whole import WholeReader
from ml4t.live.tape import TapeDamaged


class NotReplayable(LiveError):
    """A session cannot be replayed; the text says why, and what to do."""


@attrs.frozen
class RunParity:
    """One run: what its replay found, None when it has no tape, and what is to be known besides."""

    number: int
    record: int
    replay: RunReplay | None
    notes: tuple[str, ...] = ()


@attrs.frozen
class SessionParity:
    """What the replay of a session found."""

    runs: tuple[RunParity, ...]

    @property
    def same(self) -> bool:
        """True when every run that could be replayed decided the same."""
        return all(run.replay is None or run.replay.divergence is None for run in self.runs)


def replay_session(folder: StateDir, *, strategy: StrategySource | None = None, partial: bool = False) -> SessionParity:
    """Replay every run of a session; `strategy` takes the place of the one that the tapes name.

    With `partial`, what cannot be replayed (a run without a tape, what comes after a hole) is left out and noted. Raises
    NotReplayable otherwise, and for a tape that was changed, JournalError for a journal that cannot be read.
    """
    try:
        with WholeReader(folder.journal, mode=folder.mode) as journal:
            runs, left_out = runs_of(journal, folder), journal.left_out
    except TapeDamaged as error:
        raise NotReplayable(str(error)) from error
    if left_out:
        raise NotReplayable(f"{folder.path} has {len(left_out)} archives too many; nine are read")
    problems = [run.problem for run in runs if run.problem]
    taped = [run for run in runs if run.tape is not None]
    if not taped or (problems and not partial):
        left = f"; --partial replays the {len(taped)} runs that have one, as far as it goes" if taped else ""
        raise NotReplayable("\n".join(problems or [f"{folder.path} has no recorded run"]) + left)
    return SessionParity(tuple(_replayed(run, folder, strategy) for run in runs))


def _replayed(run: RecordedRun, folder: StateDir, strategy: StrategySource | None) -> RunParity:
    if run.tape is None or run.about is None:
        return RunParity(run.number, run.record, None, (run.problem,))
    source = strategy or StrategySource(**run.about["source"])
    said = _asked(
        Request(
            tape=str(run.tape),
            journal=str(folder.journal),
            strategy=source,
            name=run.about["strategy"],
            first=run.first,
            last=run.last,
            import_path=sys.path,
        )
    )
    if said.result is None:
        raise NotReplayable(f"run {run.number}: {said.problem}")
    return RunParity(run.number, run.record, said.result, tuple(_notes(run, said.result, changed=said.changed)))


def _asked(request: Request) -> Answer:
    command = [sys.executable, "-m", "ml4t.live.parity.child"]
    done = subprocess.run(command, input=msgspec.json.encode(request), stdout=subprocess.PIPE, check=False)  # noqa: S603
    try:
        return msgspec.json.decode(done.stdout, type=Answer)
    except msgspec.DecodeError:
        return Answer(problem=f"the process of the replay died (exit code {done.returncode}); what it said is above")


def _notes(run: RecordedRun, result: RunReplay, *, changed: bool) -> Sequence[str]:
    notes = []
    if run.problem:
        notes.append(run.problem)
    elif not run.complete:
        notes.append("the tape has no end: the process was killed, or the run is still on")
    if result.cut:
        notes.append(f"call {result.calls + 1} is on the tape in part only, and was not compared")
    if result.beyond:
        notes.append(f"{result.beyond} orders of the journal come after the end of the tape, and were not compared")
    if changed:
        notes.append("the file of the strategy is not the one of then")
    return notes
