"""Where the tapes of a state directory are, one file a run, and how much room they take."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ml4t.live.clock import Clock
from ml4t.live.journal import StateDir
from ml4t.live.journal.folders import sync_folder
from ml4t.live.tape.tape import Tape


class Shelf:
    """The tapes of one mode, in the order of their runs."""

    def __init__(self, folder: StateDir) -> None:
        self.path = folder.path / "tape"

    @property
    def tapes(self) -> Sequence[Path]:
        """The files, oldest first."""
        return sorted(self.path.glob("[0-9]*.tape"))

    def begin(self, run: Mapping[str, Any], clock: Clock, *, inline: bool, most_bytes: int) -> Tape:
        """Return the tape of a new run; the oldest ones go until half of `most_bytes` is free. It never raises for a disk."""
        with contextlib.suppress(OSError):  # the tape itself finds out, and says so
            self.path.mkdir(mode=0o700, exist_ok=True)
            sync_folder(self.path.parent)
        taken = self._clear(most_bytes // 2)
        tapes = self.tapes
        number = int(tapes[-1].stem) + 1 if tapes else 1
        return Tape(self.path / f"{number:08}.tape", run, clock, inline=inline, most_bytes=most_bytes - taken)

    def _clear(self, most_bytes: int) -> int:
        """Delete the oldest tapes until the rest takes `most_bytes` at most; return how much that is."""
        sizes = {tape: tape.stat().st_size for tape in self.tapes}
        for tape in list(sizes):
            if sum(sizes.values()) <= most_bytes:
                break
            with contextlib.suppress(OSError):
                tape.unlink()
            del sizes[tape]
        return sum(sizes.values())
