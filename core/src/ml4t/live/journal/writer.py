"""The two ways from the backlog to the disk: a thread of its own, or the caller's."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from ml4t.live.clock import Clock
from ml4t.live.journal.backlog import Backlog
from ml4t.live.journal.batch import Batch, Entry

_COMMIT_RECORDS = 2_000  # bounds how long the first record of a burst waits for the last
_INLINE_RECORDS = 500  # a constant, so that the same calls make the same transactions and the same file
_PUTS_SECONDS = 0.25  # how long puts wait for a record to travel with
_FIRST_RETRY_SECONDS = 0.05
_LAST_RETRY_SECONDS = 5.0

Committed = Callable[[Batch], None]
Failed = Callable[[Exception], None]


class Writer(Protocol):
    """Moves what is in the backlog into the database."""

    def appended(self) -> None:
        """Take notice of one more entry."""
        ...

    def flush(self) -> None:
        """Return when all that was appended is committed; raise JournalError when the disk refuses."""
        ...

    def stop(self) -> None:
        """Commit what can be committed, and end."""
        ...


class ThreadWriter:
    """Commits on a thread of its own: what is appended while one commit runs goes into the next.

    A batch that fails is kept and written again, after a pause that doubles from 50 ms to 5 s, or at once at a flush.
    """

    def __init__(self, backlog: Backlog, connection: sqlite3.Connection, clock: Clock, done: Committed, failed: Failed) -> None:
        self._backlog = backlog
        self._connection = connection
        self._clock = clock
        self._done = done
        self._failed = failed
        # A daemon, so that a forgotten close() does not hang the interpreter; the journal closes itself at exit.
        self._thread = threading.Thread(target=self._run, name="ml4t-live-journal", daemon=True)
        self._thread.start()

    def appended(self) -> None:
        """Do nothing: the backlog wakes the thread."""

    def flush(self) -> None:
        """Wait for the thread to commit all that was appended."""
        self._backlog.wait_flushed()

    def stop(self) -> None:
        """Make the thread end after one more attempt, and join it."""
        self._backlog.stop()
        self._thread.join()

    def _run(self) -> None:
        self._backlog.writer_thread = threading.get_ident()
        try:
            self._drain()
        except Exception as error:  # noqa: BLE001 - no known way here (out of memory?), but a silent end would be the worst
            self._backlog.attempt()
            self._backlog.stop()
            if self._backlog.failed(error):
                self._failed(error)

    def _drain(self) -> None:
        puts_alone = False
        while True:
            work = self._backlog.take(puts_alone=puts_alone)
            puts_alone = False
            if work is None:
                if self._backlog.stopping:
                    return
                puts_alone = self._doze()
                continue
            entries, puts, ticket = work
            for batch in _batches(entries, puts):
                if not self._commit(batch):
                    return
            self._backlog.served(ticket)

    def _doze(self) -> bool:
        """Sleep until there is something to do; True when puts have waited long enough for company."""
        puts_wait = self._backlog.doze()
        if puts_wait is None:
            return False
        wake = self._backlog.wake
        woken = self._clock.wait(wake, _PUTS_SECONDS) if puts_wait else wake.wait()
        self._backlog.rouse()
        return not woken

    def _commit(self, batch: Batch) -> bool:
        """Write `batch` however long it takes; False when told to stop while the disk refuses it."""
        pause = _FIRST_RETRY_SECONDS
        while True:
            last_chance = self._backlog.stopping
            if _attempt(self._backlog, self._connection, batch, self._failed):
                self._done(batch)
                return True
            if last_chance:
                return False
            self._clock.wait(self._backlog.wake, pause)
            pause = min(2 * pause, _LAST_RETRY_SECONDS)


class InlineWriter:
    """Commits on the caller's thread, every 500 records: no thread, no clock, and the same calls make the same file."""

    def __init__(self, backlog: Backlog, connection: sqlite3.Connection, done: Committed, failed: Failed) -> None:
        self._backlog = backlog
        self._connection = connection
        self._done = done
        self._failed = failed
        self._since_commit = 0
        self._waiting: deque[Batch] = deque()

    def appended(self) -> None:
        """Commit when enough has come together; a failure is reported, and tried again as many records later."""
        self._since_commit += 1
        if self._since_commit >= _INLINE_RECORDS:
            self._commit()

    def flush(self) -> None:
        """Commit all that was appended."""
        self._backlog.release()
        if not self._commit():
            raise self._backlog.error() from self._backlog.failure

    def stop(self) -> None:
        """Accept nothing more, and commit all that was appended."""
        self._backlog.stop()
        self._commit()

    def _commit(self) -> bool:
        self._since_commit = 0
        work = self._backlog.take(puts_alone=True)
        if work is not None:
            self._waiting.extend(_batches(work[0], work[1]))
        while self._waiting:
            if not _attempt(self._backlog, self._connection, self._waiting[0], self._failed):
                return False
            self._done(self._waiting.popleft())
        return True


def _attempt(backlog: Backlog, connection: sqlite3.Connection, batch: Batch, failed: Failed) -> bool:
    """Write `batch` once; report the first failure in a row and return False when it did not work."""
    backlog.attempt()
    try:
        batch.write(connection)
    except Exception as error:  # noqa: BLE001 - no error may end the writer: nobody would notice that nothing is kept
        if backlog.failed(error):
            failed(error)
        return False
    backlog.succeeded(batch)
    return True


def _batches(entries: list[Entry], puts: dict[tuple[str, str], object]) -> Iterator[Batch]:
    """Cut the entries into commits; the puts came after all of them that touch the same keys, so they go last."""
    start = 0
    while True:
        end = start + _COMMIT_RECORDS
        while end < len(entries) and entries[end][-1]:
            end += 1
        yield Batch(entries[start:end], puts if end >= len(entries) else {})
        if end >= len(entries):
            return
        start = end
