"""Observers, each behind a bounded queue of its own: watching never holds up trading.

These are rows 48 and 50 of the table of controls.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

import structlog

from ml4t.live.contracts.observer import ClosingObserver, Observer, RuntimeEvent

CAPACITY = 10_000
"""Events that may wait for one observer; beyond it the oldest are dropped and counted."""

_log = structlog.get_logger("ml4t.live.observers")


class ObserverQueue:
    """What one observer has still to be told."""

    def __init__(self, name: str, observer: Observer) -> None:
        self.name = name
        self.dropped = 0
        self.errors = 0
        self._observer = observer
        self._kinds = frozenset(getattr(observer, "kinds", ()))
        self._events: deque[RuntimeEvent] = deque(maxlen=CAPACITY)
        self._wake = asyncio.Event()
        self._closed = False
        self._ended = False

    @property
    def waiting(self) -> int:
        """How many events it has still to be told."""
        return len(self._events)

    @property
    def finished(self) -> bool:
        """True once it has been told everything, and has closed what it had open."""
        return self._ended

    def offer(self, event: RuntimeEvent) -> None:
        """Queue an event when the observer wants its kind."""
        if self._kinds and event.kind not in self._kinds:
            return
        if len(self._events) == CAPACITY:
            self.dropped += 1
        self._events.append(event)
        self._wake.set()

    def close(self) -> None:
        """Let `run` return once it has told what is left."""
        self._closed = True
        self._wake.set()

    async def run(self) -> None:
        """Tell the observer, one event after the other, until closed; then let it close what it has open."""
        while self._events or not self._closed:
            await self._wake.wait()
            self._wake.clear()
            while self._events:
                await self._tell(self._events.popleft())
            if self._closed:
                self._wake.set()
        if isinstance(self._observer, ClosingObserver):
            await self._guarded(self._observer.close, "close")
        self._ended = True

    async def _tell(self, event: RuntimeEvent) -> None:
        await self._guarded(lambda: self._observer.on_event(event), event.kind)

    async def _guarded(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        try:
            await work()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - an observer's fault is its own
            self.errors += 1
            _log.warning("observer failed", observer=self.name, event_kind=what, error=repr(error))


class ObserverHub:
    """All observers; publishing to none costs nothing. Publish on the loop's thread."""

    def __init__(self, observers: Iterable[tuple[str, Observer]]) -> None:
        self.queues = tuple(ObserverQueue(name, observer) for name, observer in observers)

    def publish(self, event: RuntimeEvent) -> None:
        """Offer an event to everybody."""
        for queue in self.queues:
            queue.offer(event)

    def close(self) -> None:
        """Let every queue end."""
        for queue in self.queues:
            queue.close()
