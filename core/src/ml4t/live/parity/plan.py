"""Which runs a journal has, and which tape belongs to which."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from attrs import define

from ml4t.live.journal import JournalReader, RecordKind, StateDir
from ml4t.live.tape import Shelf, TapeReader
from ml4t.live.tape.frames import Kind

_FOR_EVER = (1 << 63) - 1


@define
class RecordedRun:
    """One run of a session: the record that began it, and what its tape is good for."""

    number: int
    record: int
    """The record of the journal that began it."""
    first: int
    last: int
    """Its records are those after `first` and up to `last`."""
    ended: bool
    """The journal says that it ended in order."""
    tape: Path | None = None
    about: dict[str, Any] | None = None
    hole: str = ""
    torn: bool = False
    complete: bool = False

    @property
    def problem(self) -> str:
        """Why it cannot be replayed as a whole; empty when it can."""
        if self.tape is None:
            return f"run {self.number} (record {self.record}) has no tape; [engine] record = true keeps one"
        if self.hole:
            return f"run {self.number} (record {self.record}): its tape ends before the run did: {self.hole}"
        if self.ended and not self.complete:
            return f"run {self.number} (record {self.record}) ended in order, and the end of its tape is missing"
        return ""


def runs_of(journal: JournalReader, folder: StateDir) -> Sequence[RecordedRun]:
    """Return the runs of a journal in order, each with its tape. Raises JournalError, TapeDamaged."""
    tapes = _tapes(folder)
    records = list(journal.records(RecordKind.RUN))
    begun = [record.seq for record in records if not record.body.get("ended")]
    ended = {before.seq for before, after in pairwise(records) if after.body.get("ended") and not before.body.get("ended")}
    found = []
    for number, seq in enumerate(begun, 1):
        tape = tapes.get(seq)
        first = seq - 1 if tape is None else tape.about["after"]
        found.append(RecordedRun(number, seq, first, 0, seq in ended))
        if tape is not None:
            _attach(found[-1], tape)
    for run, following in pairwise(found):
        run.last = following.first
    if found:
        found[-1].last = journal.last_before(_FOR_EVER)
    _holes(journal, found)
    return found


class _Survey:
    """What a tape says of itself, read from one end to the other: every checksum is looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.started: int | None = None
        with TapeReader(path) as tape:
            for frame in tape:
                if frame[0] == Kind.STARTED:
                    self.started = frame[1]
            self.about: dict[str, Any] = tape.run or {}
            self.hole, self.torn, self.ended = tape.hole, tape.torn, tape.ended


def _tapes(folder: StateDir) -> dict[int, _Survey]:
    """Return the tapes by the record that began their run: of several the last, the others are of runs that a crash forgot."""
    surveys = [_Survey(path) for path in Shelf(folder).tapes]
    return {survey.started: survey for survey in surveys if survey.started is not None}


def _attach(run: RecordedRun, tape: _Survey) -> None:
    run.tape, run.about = tape.path, tape.about
    run.hole, run.torn, run.complete = tape.hole, tape.torn, tape.ended


def _holes(journal: JournalReader, runs: Sequence[RecordedRun]) -> None:
    """Take the journal's word for a hole that the tape itself could not tell of."""
    for record in journal.records(RecordKind.HEALTH, "tape"):
        for run in runs:
            if run.first < record.seq <= run.last and not run.hole:
                run.hole = record.body["why"]
