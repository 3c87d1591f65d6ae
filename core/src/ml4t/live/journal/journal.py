"""The durable truth of a run."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from ml4t.live.clock import Clock
from ml4t.live.errors import JournalError
from ml4t.live.journal.backlog import CAPACITY, Backlog
from ml4t.live.journal.batch import Batch, Callback
from ml4t.live.journal.connections import connect_reading, connect_writing, make_room
from ml4t.live.journal.durability import Durability
from ml4t.live.journal.kinds import BODIES, RecordKind
from ml4t.live.journal.queries import Queries
from ml4t.live.journal.record import Also, StatePut
from ml4t.live.journal.writer import InlineWriter, ThreadWriter, Writer

T = TypeVar("T")

_CLOSE_BUSY_MILLISECONDS = 250
_log = logging.getLogger(__name__)


class Journal(Queries):
    """Everything that happened, in order, on disk; and the reads that a start needs to go on from it.

    `durability` says when a record counts as durable. `inline` commits on the caller's thread every 500 records, for
    simulations: the same calls make the same file. `mode` is noted in the file, and a file of another mode is refused.
    `on_failure` is called on the loop's thread, once, when the disk begins to refuse; nothing is reported durable until
    it accepts again, nothing is lost meanwhile, and `healthy` says which it is. At most `capacity` records wait. `room`
    takes 16 MB of disk at once instead of bit by bit, which makes every sync shorter: for runs that sync often.

    Reads see what is committed: call `flush()` first to see everything.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        durability: Durability | str = Durability.FSYNC,
        inline: bool = False,
        mode: str = "",
        on_failure: Callable[[Exception], None] | None = None,
        capacity: int = CAPACITY,
        room: bool = False,
    ) -> None:
        self.path = Path(path)
        self.durability = Durability(durability)
        self.on_failure = on_failure
        self._clock = clock
        self._now = clock.now
        self._inline = inline
        self._mode = mode
        self._at_once = inline or self.durability is Durability.NONE
        self._capacity = capacity
        self._room = room
        self._backlog = Backlog(writer_waits=not inline, capacity=capacity)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writing: sqlite3.Connection | None = None
        self._writer: Writer | None = None
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []

    @property
    def last_seq(self) -> int:
        """The sequence number of the latest append, 0 before the first."""
        return self._backlog.last_seq

    @property
    def durable_seq(self) -> int:
        """The sequence number up to which everything is committed."""
        return self._backlog.durable_seq

    @property
    def failure(self) -> Exception | None:
        """Why the latest attempt to write failed, None when it did not."""
        return self._backlog.failure

    @property
    def writing(self) -> int | None:
        """What the writer's thread is at, a number that changes as it gets on; None while it has nothing to do."""
        return self._backlog.turn if self._writer is not None else None

    @property
    def healthy(self) -> bool:
        """True while it is open and the disk accepts what is written."""
        return self._writing is not None and self._backlog.failure is None

    def open(self, loop: asyncio.AbstractEventLoop | None = None) -> Self:
        """Open or create the file and start writing; `loop` is where callbacks are called.

        Without a loop they are called on the writer's thread, and must not call `flush`. Raises
        JournalError when the file cannot be used.
        """
        if self._writing is not None:
            raise JournalError(f"the journal {self.path} is open already")
        self._loop = loop
        self._writing = connect_writing(self.path, self.durability, self._mode)
        try:
            self._reading = connect_reading(self.path, self._mode)
            last = self._select("SELECT coalesce(max(seq), 0) FROM records")[0][0]
            if self._room:
                make_room(self._writing)
        except BaseException:
            self._disconnect()
            raise
        self._backlog = Backlog(writer_waits=not self._inline, capacity=self._capacity)
        self._backlog.start(last)
        if self._inline:
            self._writer = InlineWriter(self._backlog, self._writing, self._committed, self._report)
        else:
            self._writer = ThreadWriter(self._backlog, self._writing, self._clock, self._committed, self._report)
        atexit.register(self.close)  # whoever forgets to close it loses nothing
        return self

    def close(self) -> None:
        """Commit everything, end the thread and empty the log into the file; a second call does nothing.

        Raises JournalError, after closing all the same, when the disk refused what was left.
        """
        if self._writer is None:
            return
        self._writer.stop()
        self._writer = None
        atexit.unregister(self.close)
        self._disconnect()
        if self._backlog.failure is not None:
            raise self._backlog.error() from self._backlog.failure

    def append(
        self,
        kind: str,
        subject: str,
        body: object,
        *,
        state: Sequence[StatePut] = (),
        on_durable: Callback | None = None,
        also: Sequence[Also] = (),
    ) -> int:
        """Queue one record and return its sequence number, of several the last; `state` and `also` are in its transaction.

        `body` is encoded later, on the writer's thread: it must not be changed any more. With a RecordKind of an order, a
        fill, a forecast or a resolution it is that object. `on_durable` is called once, in order, on the loop's thread;
        with durability NONE and inline it is called before this returns. Any thread may call it. Raises TypeError or
        ValueError for a body that does not belong to the kind, JournalError when `capacity` records wait for a disk that
        refuses them; a healthy disk that is merely slower than the caller holds the caller instead.
        """
        self._check(kind, body)
        for other in also:
            self._check(other.kind, other.body)
        for _bucket, _key, _value in state:
            pass  # a malformed change is the caller's mistake, so it is the caller who hears of it
        if on_durable is not None and self._at_once:
            seq = self._backlog.add(self._now(), kind, subject, body, state=state, on_durable=None, also=also)
            on_durable()
        else:
            seq = self._backlog.add(self._now(), kind, subject, body, state=state, on_durable=on_durable, also=also)
        if self._inline and self._writer is not None:
            self._writer.appended()
        return seq

    def put(self, bucket: str, key: str, value: object) -> None:
        """Replace one latest value (None removes it) without a record.

        It travels with the next commit, or by itself after a quarter of a second; of several the latest is written.
        """
        self._backlog.put(bucket, key, value)

    def hold(self) -> None:
        """Commit what is appended until `release` in one transaction, so that a crash forgets all of it or nothing.

        Both cost next to nothing, and belong on the loop's thread. A flush, `close` and the records of another thread do not
        wait for it.
        """
        self._backlog.hold()

    def release(self) -> None:
        """End what `hold` began."""
        self._backlog.release()

    def flush(self) -> None:
        """Block until all that was appended is committed; raise JournalError when the disk refuses it."""
        if self._writer is None:
            raise JournalError(f"the journal {self.path} is not open; call open() first")
        self._writer.flush()

    async def durable(self, seq: int) -> None:
        """Wait until record `seq` is durable; with durability NONE it is so at once.

        Raises JournalError when the disk refuses: the record is kept and may become durable later.
        """
        if seq > self.last_seq:
            raise ValueError(f"record {seq} has not been appended; the last one is {self.last_seq}")
        if self.durability is Durability.NONE or seq <= self.durable_seq:
            return
        if self._inline:
            self.flush()
            return
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            raise JournalError("durable() belongs on the loop that the journal was opened with; pass it to open()")
        future: asyncio.Future[None] = loop.create_future()
        self._waiters.append((seq, future))
        # The commit, or the failure, may have come between the look above and the line above.
        self._settle()
        await future

    def has_fill(self, venue: str, account: str, execution_id: str) -> bool:
        """True when this execution has been appended, committed or not. It may read the disk."""
        # First those on their way: one that arrives between the two looks is then found by the second.
        key = (venue, account, execution_id)
        return self._backlog.has_pending_fill(key) or super().has_fill(venue, account, execution_id)

    def __enter__(self) -> Self:
        return self.open() if self._writing is None else self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _check(self, kind: str, body: object) -> None:
        if kind not in BODIES:
            return
        expected, name = BODIES[kind]
        if not isinstance(body, expected):
            raise TypeError(f"the body of a {kind} record is a {expected.__name__}, not {type(body).__name__}")
        if not getattr(body, name):
            raise ValueError(f"a {kind} record needs a {name}: without one it would be taken for another")
        if kind == RecordKind.FILL:
            self._backlog.note_fill((body.venue, body.account, body.execution_id))  # type: ignore[attr-defined]

    def _committed(self, batch: Batch) -> None:
        """Pass on that `batch` is durable; on the writer's thread."""
        if batch.callbacks or self._waiters:
            self._on_loop(self._deliver, batch.callbacks)

    def _report(self, error: Exception) -> None:
        """Pass on that the disk refuses; on the writer's thread."""
        self._on_loop(self._deliver_failure, error)

    def _deliver(self, callbacks: list[Callback]) -> None:
        for callback in callbacks:
            try:
                callback()
            except Exception as error:  # noqa: BLE001 - the callbacks behind it have nothing to do with it
                self._complain(error)
        self._settle()

    def _deliver_failure(self, error: Exception) -> None:
        self._settle()
        if self.on_failure is None:
            return
        try:
            self.on_failure(error)
        except Exception as problem:  # noqa: BLE001 - on the writer's thread it would end the writer
            self._complain(problem)

    def _settle(self) -> None:
        """Wake those whose record is durable, or all when the disk refuses; on the loop's thread."""
        if not self._waiters:
            return
        durable, failure = self._backlog.durable_seq, self._backlog.failure
        waiting = []
        for seq, future in self._waiters:
            if future.done():
                continue
            if seq <= durable:
                future.set_result(None)
            elif failure is not None:
                future.set_exception(self._backlog.error())
            else:
                waiting.append((seq, future))
        self._waiters = waiting

    def _on_loop(self, function: Callable[[T], None], argument: T) -> None:
        if self._loop is None or self._inline:
            function(argument)
            return
        # A closed loop raises RuntimeError: then nobody is left who could be told, and what is written stays written.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, argument)

    def _complain(self, error: Exception) -> None:
        message = "a callback of the journal failed"
        if self._loop is None:
            _log.error(message, exc_info=error)
        else:
            self._loop.call_exception_handler({"message": message, "exception": error})

    def _disconnect(self) -> None:
        """Close both connections, the writing one last: it folds the log into the file."""
        if self._reading is not None:
            self._reading.close()
            self._reading = None
        if self._writing is not None:
            # A disk that refuses, or a reader that is in the way, leaves the log where it is: it is part of the journal.
            with contextlib.suppress(sqlite3.Error):
                self._writing.execute(f"PRAGMA busy_timeout = {_CLOSE_BUSY_MILLISECONDS}")
                self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._writing.close()
            self._writing = None
