"""Where a run keeps what must outlive it: the state directory, its lock, and the journal in it."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog

from ml4t.live.clock import Clock, DataClock, SystemClock
from ml4t.live.errors import JournalError
from ml4t.live.journal import Journal, StateDir
from ml4t.live.journal.rotate import rotate_long
from ml4t.live.journal.state_dir import StateLock
from ml4t.live.tape import Shelf, Tape

FLUSH_SECONDS = 5.0
"""How long a forced end waits for the journal."""

_log = structlog.get_logger("ml4t.live")


class Storage:
    """Holds the folder of one mode for one process, and opens its journal.

    Without a `root` everything is in a temporary folder that goes with the run.
    """

    def __init__(self, root: Path | None, mode: str) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="ml4t-live-") if root is None else None
        self.folder = StateDir(Path(self._temporary.name) if self._temporary is not None else root or Path(), mode)
        self._lock: StateLock | None = self.folder.lock()
        self.heartbeat = None if root is None else self.folder.heartbeat
        """The file that tells how the run is, None when nobody could find it."""
        self._journal: Journal | None = None
        self._tape: Tape | None = None

    def open_journal(
        self, clock: Clock, durability: str | None, on_failure: Callable[[Exception], None], *, max_mib: int | None = None
    ) -> Journal:
        """Return the open journal; one larger than `max_mib` is rotated before, and one that cannot be stays as it is.

        Unless `durability` says otherwise, what can be repeated (recorded data, a temporary folder) is not synced. On
        virtual time it is written on the loop's thread, so that the same run makes the same file.
        """
        recorded = isinstance(clock, DataClock)
        durability = durability or ("none" if recorded or self._temporary is not None else "fsync")
        inline = clock.simulated and not recorded
        if max_mib is not None:
            self._rotate(SystemClock() if recorded else clock, max_mib * 2**20)
        self._journal = Journal(
            self.folder.journal,
            clock,
            durability=durability,
            inline=inline,
            room=durability == "fsync" and not inline,
            mode=self.folder.mode,
            on_failure=on_failure,
        )
        return self._journal.open(asyncio.get_running_loop())

    def begin_tape(self, run: Mapping[str, Any], clock: Clock, *, max_mib: int) -> Tape:
        """Return the tape of the run that begins; what need not keep up with a market writes it on the loop's thread."""
        self._tape = Shelf(self.folder).begin(run, clock, inline=clock.simulated, most_bytes=max_mib * 2**20)
        return self._tape

    def _rotate(self, clock: Clock, max_bytes: int) -> None:
        try:
            done = rotate_long(self.folder, clock, max_bytes=max_bytes)
        except JournalError as error:  # a long journal is no reason not to start
            _log.error("the journal stays as long as it is", error=str(error))
            return
        if done is not None:
            _log.info("the journal was long", archive=str(done.archive), moved=done.moved, kept=done.kept)

    def flush_from_signal(self) -> None:
        """Complete the journal from a signal handler, on a thread: the signal may have come while this one held its lock."""
        journal = self._journal
        if journal is None:
            return
        flushed = threading.Event()

        def flush() -> None:
            try:
                journal.flush()
            finally:
                flushed.set()

        threading.Thread(target=flush, name="last flush", daemon=True).start()
        clock = SystemClock()
        clock.wait(flushed, FLUSH_SECONDS)

    def complete(self) -> None:
        """Complete tape and journal, and close them. Raises JournalError, after closing, when the disk refuses."""
        if self._tape is not None:
            self._tape.close()
        if self._journal is not None:
            self._journal.close()

    def release(self) -> None:
        """Let the folder go. Again changes nothing."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None
        if self._temporary is not None:
            self._temporary.cleanup()
