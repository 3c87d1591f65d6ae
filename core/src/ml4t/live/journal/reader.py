"""The journal from outside: for the command line, dashboards, reports."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from ml4t.live.journal.connections import connect_reading
from ml4t.live.journal.queries import Queries


class JournalReader(Queries):
    """A read-only view of the journal at `path`, while a run writes it or afterwards.

    Each query sees what was committed when it began. With `mode`, a journal of another mode is refused. Raises
    JournalError when there is no journal, or none that this version can read.
    """

    def __init__(self, path: Path, *, mode: str = "") -> None:
        self.path = Path(path)
        self._reading = connect_reading(self.path, mode)

    def close(self) -> None:
        """Let go of the file; a second call does nothing."""
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
