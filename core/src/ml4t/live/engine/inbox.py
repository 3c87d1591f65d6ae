"""Where feeds put events and the engine takes them, a batch per turn of the loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from ml4t.live.engine.barrier import Barrier
from ml4t.live.model import Gap, MarketEvent

CAPACITY = 8_192
"""Events that may wait, unless told otherwise."""

BATCH = 1_024
"""Events taken per turn of the loop, so that sockets and timers get their turn too."""

HARD_LIMIT = 64
"""Multiples of the capacity at which the oldest events are dropped, flagged as a gap, because the engine may not run."""


class Worker(Protocol):
    """What processes the events."""

    def work(self, events: deque[MarketEvent], limit: int, /) -> None:
        """Take up to `limit` events from the left and process them; those that have to wait stay."""
        ...


class Inbox:
    """A bounded queue that is emptied by a callback on the loop, never by a hop per event.

    When it is full, whoever pushes pays: the events are processed inside `push`, which is what the engine would do next
    anyway. A source that can wait awaits `ready`.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_first: Callable[[MarketEvent], None],
        barrier: Barrier,
        *,
        capacity: int = CAPACITY,
        on_gap: Callable[[Gap], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        self._loop = loop
        self._on_first = on_first
        self._worker: Worker | None = None
        self._barrier = barrier
        self._capacity = capacity
        self._on_gap = on_gap
        self._on_error = on_error
        self._events: deque[MarketEvent] = deque()
        self._scheduled = False
        self._draining = False
        self._closed = False
        self._waiters: list[asyncio.Future[None]] = []
        barrier.on_clear = self._schedule

    def __len__(self) -> int:
        return len(self._events)

    def attach(self, worker: Worker) -> None:
        """Give the events to `worker`. An inbox without one calls `on_first` with the first event, to be given one."""
        self._worker = worker

    def push(self, event: MarketEvent) -> None:
        """Take one event."""
        events = self._events
        events.append(event)
        if not self._scheduled:
            self._schedule()
        if len(events) >= self._capacity:
            self._relieve()

    def push_many(self, events: Iterable[MarketEvent]) -> None:
        """Take a batch."""
        self._events.extend(events)
        if not self._scheduled:
            self._schedule()
        if len(self._events) >= self._capacity:
            self._relieve()

    async def ready(self) -> None:
        """Wait until less than half of the capacity is taken."""
        while len(self._events) > self._capacity // 2 and not self._closed:
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    async def drained(self) -> None:
        """Wait until everything pushed so far, and all that it waits for, has been processed."""
        while (self._events or self._barrier.outstanding) and not self._closed:
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def close(self) -> None:
        """Take nothing more and let everybody go."""
        self._closed = True
        self._events.clear()
        self._release()

    def _schedule(self) -> None:
        if not self._scheduled and not self._closed:
            self._scheduled = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        self._drain(BATCH)
        if self._events and not self._barrier.outstanding:
            self._schedule()

    def _drain(self, limit: int) -> None:
        if self._draining or self._closed:
            return
        self._draining = True
        events = self._events
        try:
            if self._worker is None and events:
                self._on_first(events[0])
            if self._worker is not None and not self._barrier.outstanding:
                self._worker.work(events, min(limit, len(events)))
        except BaseException as error:  # noqa: BLE001 - a fault of the engine itself must end the run, not a callback
            self._on_error(error)
        finally:
            self._draining = False
            if len(events) <= self._capacity // 2:
                self._release()

    def _relieve(self) -> None:
        """Make room when full: process now, and drop only what can be neither processed nor held."""
        if not self._draining and not self._barrier.outstanding:
            self._drain(len(self._events))
        if len(self._events) > self._capacity * HARD_LIMIT:
            self._drop(self._capacity)

    def _drop(self, count: int) -> None:
        lost: dict[str, list[int]] = {}
        for _ in range(count):
            event = self._events.popleft()
            lost.setdefault(event.symbol, []).append(event.event_time)
        for symbol, times in lost.items():
            self._on_gap(Gap(symbol, times[0], times[-1], "overflow"))

    def _release(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
