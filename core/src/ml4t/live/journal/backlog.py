"""What has been appended and is not on disk yet: the meeting point of the callers and the writer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from ml4t.live.errors import JournalError
from ml4t.live.journal.batch import Batch, Callback, Entry
from ml4t.live.journal.record import Also, StatePut

CAPACITY = 100_000
"""Records that may wait for the disk."""

_CLOSED = "the journal is not open; call open() first"


class Backlog:
    """A queue of entries, the latest puts, and the counts that say how far the disk is behind.

    Any thread may call any method. `writer_waits` is False when nobody drains it concurrently (inline): then a full
    backlog raises at once instead of waiting for room.
    """

    def __init__(self, *, writer_waits: bool, capacity: int = CAPACITY) -> None:
        self.failure: Exception | None = None
        self.last_seq = 0
        self.durable_seq = 0
        self.wake = threading.Event()
        self.stopping = False
        self.writer_thread = 0
        self._capacity = 0
        self._full = capacity
        self._concurrent = writer_waits
        self._lock = threading.Lock()
        self._moved = threading.Condition(self._lock)
        self._queue: deque[Entry] = deque()
        self._puts: dict[tuple[str, str], object] = {}
        self._pending_fills: set[tuple[str, str, str]] = set()
        self._held: int | None = None
        self._holder = 0
        self._sleeping = False
        self._tickets = 0
        self._served = 0
        self._attempts = 0
        self._failed_attempt = 0
        self._turns = 0

    def start(self, last_seq: int) -> None:
        """Accept entries, the first of which gets `last_seq + 1`."""
        self.last_seq = self.durable_seq = last_seq
        self._capacity = self._full

    def add(
        self,
        time: int,
        kind: str,
        subject: str,
        body: object,
        *,
        state: Sequence[StatePut],
        on_durable: Callback | None,
        also: Sequence[Also],
    ) -> int:
        """Queue one entry, and what is committed with it; return the last sequence number. Wake the writer only if it sleeps.

        Raises JournalError when the backlog is closed, or full while the disk fails.
        """
        with self._lock:
            if self.last_seq - self.durable_seq >= self._capacity:
                self._wait_for_room()
            before, held = self.last_seq, self._held
            if held is not None and (before - held >= self._capacity // 2 or threading.get_ident() != self._holder):
                held = self._held = None  # nobody else waits for a call that hangs, nor it for itself
            self.last_seq = seq = before + 1
            self._queue.append((seq, time, kind, subject, body, state, on_durable, held is not None and held < before))
            for other in also:
                self.last_seq = seq = seq + 1
                self._queue.append((seq, time, *other, (), None, True))
            if state and self._puts:
                for change in state:  # what was put before is out of date now, and must not be written over it later
                    self._puts.pop((change[0], change[1]), None)
            if self._sleeping and held is None:
                self._rouse()
        return seq

    def put(self, bucket: str, key: str, value: object) -> None:
        """Replace the latest value of `key` in `bucket`, to be written with the next commit."""
        with self._lock:
            if not self._capacity:
                raise JournalError(_CLOSED)
            first = not self._puts
            self._puts[bucket, key] = value
            if first and self._sleeping:
                self._rouse()

    def hold(self) -> None:
        """Keep what is added from now on together: the writer gets it when `release` is called, for one commit.

        A flush and the end do not wait for that, nor what another thread adds; and no more is kept than half of the capacity.
        """
        self._holder = threading.get_ident()
        self._held = self.last_seq

    def release(self) -> None:
        """Hand over what was added since `hold`."""
        held, self._held = self._held, None
        if self.last_seq == held:
            return
        with self._lock:
            if self._sleeping:
                self._rouse()

    def note_fill(self, key: tuple[str, str, str]) -> None:
        """Remember a fill that is about to be added until it is in the database."""
        with self._lock:
            self._pending_fills.add(key)

    def has_pending_fill(self, key: tuple[str, str, str]) -> bool:
        """True while the fill is on its way to the database."""
        with self._lock:
            return key in self._pending_fills

    @property
    def turn(self) -> int | None:
        """What the writer is at, a number that changes whenever it gets on; None while it has nothing to do."""
        return None if self._sleeping or not self._concurrent else self._turns

    # The writer's side.

    def take(self, *, puts_alone: bool) -> tuple[list[Entry], dict[tuple[str, str], object], int] | None:
        """Return everything that waits, with the ticket of the latest flush; None when there is nothing to write.

        Puts with no record among them are taken only when `puts_alone`, at a flush and at the end.
        """
        with self._lock:
            self._turns += 1
            urgent = self.stopping or self._tickets > self._served
            if self._held is not None and not urgent:
                ready = self._ready()
                return ([self._queue.popleft() for _ in range(ready)], {}, self._tickets) if ready else None
            if not self._queue and not (self._puts and (puts_alone or urgent)):
                self._serve(self._tickets)
                return None
            entries, puts = list(self._queue), self._puts
            self._queue.clear()
            self._puts = {}
            return entries, puts, self._tickets

    def doze(self) -> bool | None:
        """Get ready to wait on `wake`: None when there is something to do, else whether puts are waiting."""
        with self._lock:
            if self._ready() or self.stopping or self._tickets > self._served:
                return None
            self.wake.clear()
            self._sleeping = True
            return bool(self._puts)

    def rouse(self) -> None:
        """End the doze."""
        with self._lock:
            self._sleeping = False

    def attempt(self) -> None:
        """Note that a commit begins."""
        with self._lock:
            self._attempts += 1
            self._turns += 1
            self.wake.clear()

    def succeeded(self, batch: Batch) -> None:
        """Note that `batch` is on disk."""
        with self._lock:
            self.durable_seq = max(self.durable_seq, batch.last_seq)
            self.failure = None
            self._pending_fills.difference_update(batch.fill_keys)
            self._moved.notify_all()

    def failed(self, error: Exception) -> bool:
        """Note that the attempt failed; return True when it is the first failure in a row."""
        with self._lock:
            first = self.failure is None
            self.failure = error
            self._failed_attempt = self._attempts
            self._moved.notify_all()
            return first

    def served(self, ticket: int) -> None:
        """Note that everything which the flush of `ticket` waits for is on disk."""
        with self._lock:
            self._serve(ticket)

    # The waiting side.

    def wait_flushed(self) -> None:
        """Wait until everything that is queued now is on disk; raise JournalError when an attempt from now on fails."""
        with self._lock:
            if not self._capacity:
                raise JournalError(_CLOSED)
            self._tickets += 1
            ticket, begun = self._tickets, self._attempts
            self._rouse()
            while self._served < ticket:
                if self.failure is not None and self._failed_attempt > begun:
                    raise self.error() from self.failure
                self._moved.wait()

    def stop(self) -> None:
        """Accept nothing more, and let the writer end."""
        with self._lock:
            self._capacity = 0
            self.stopping = True
            self._rouse()
            self._moved.notify_all()

    def error(self) -> JournalError:
        """Return the exception that says how many records wait for what."""
        waiting = self.last_seq - self.durable_seq
        return JournalError(f"{waiting} records wait for the disk, which refuses them: {self.failure}; free space or mend it")

    def _ready(self) -> int:
        """How many entries the writer may have."""
        if self._held is None or not self._queue:
            return len(self._queue)
        return max(self._held - self._queue[0][0] + 1, 0)

    def _rouse(self) -> None:
        self._sleeping = False
        self.wake.set()

    def _serve(self, ticket: int) -> None:
        self._served = ticket
        self._moved.notify_all()

    def _wait_for_room(self) -> None:
        """Hold a caller that is faster than a healthy disk; raise JournalError when waiting would not help."""
        while self.last_seq - self.durable_seq >= self._capacity:
            if not self._capacity:
                raise JournalError(_CLOSED)
            if self.failure is not None or not self._concurrent:
                raise self.error() from self.failure
            if threading.get_ident() == self.writer_thread:
                return  # it would wait for itself
            self._moved.wait()
