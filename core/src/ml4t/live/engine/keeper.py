"""Keeps one child running: runs it, watches it, ends it, and runs it again."""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Callable
from typing import Literal

from ml4t.live.clock import Clock
from ml4t.live.engine.child import Beacon, Child, ChildEvent, ChildHealth, ChildHung, ChildState, ChildStuck, EventKind
from ml4t.live.times import NANOS

STOP_SECONDS = 10.0
"""How long a cancelled child may take to clean up."""
LAST_CHANCE_SECONDS = 1.0
"""How long it gets after the second cancellation, before it is given up."""
CHECKS_PER_HEARTBEAT = 4
KEEPER = "keeper of "
"""What the name of a keeper's task begins with."""


class Keeper:
    """Runs one child, again and again as its `restart` says, and never two runs of it at once."""

    def __init__(
        self,
        child: Child,
        clock: Clock,
        rng: random.Random,
        tell: Callable[[ChildEvent], None],
        escalate: Callable[[str, BaseException | None], None],
    ) -> None:
        self.child = child
        self.state = ChildState.WAITING
        self.restarts = 0
        self.error: BaseException | None = None
        self.settled = asyncio.Event()
        """Set when the child is ready for the first time, or will not run any more."""
        self.task: asyncio.Task[None] | None = None
        self.stop_seconds = STOP_SECONDS
        self._clock = clock
        self._tell = tell
        self._escalate = escalate
        self._backoff = child.backoff(rng)
        self._beacon: Beacon | None = None
        self._recent: deque[int] = deque()
        self._running: asyncio.Task[None] | None = None

    def launch(self) -> asyncio.Task[None]:
        """Start keeping the child; the task ends when the child will not be run any more."""
        self.task = asyncio.create_task(self._keep(), name=f"{KEEPER}{self.child.name}")
        return self.task

    async def stop(self) -> None:
        """Cancel the child, or its back-off, and wait until it has ended or is given up."""
        if self.task is None:
            return
        if not self.task.done():
            self.task.cancel()
            await asyncio.wait({self.task})
        if self._running is not None and self.state is not ChildState.FAILED:
            try:
                await self._end(self._running)  # the keeper was interrupted while it was ending a hung run
            except ChildStuck as stuck:
                self._fail(stuck)
        if self.state not in (ChildState.STOPPED, ChildState.FAILED):
            self._change(ChildState.STOPPED, "stopped", self.error)
        self.settled.set()

    def health(self) -> ChildHealth:
        """Return how the child is doing now."""
        beacon = self._beacon
        last_beat, at_work = (beacon.last_beat, beacon.at_work) if beacon else (None, True)
        return ChildHealth(self.child.name, self.state, self.restarts, self.error, last_beat, at_work)

    async def _keep(self) -> None:
        try:
            while self._runs_again(await self._run_once()):
                await self._back_off()
        except Exception as error:  # noqa: BLE001 - a fault of the keeper itself must not leave its child unwatched
            self._fail(error)
        finally:
            self.settled.set()

    async def _run_once(self) -> BaseException | None:
        """Run the child to its end; return what it died of, or None when it returned."""
        beacon = self._beacon = Beacon(self._clock)
        self._change(ChildState.STARTING, "starting")
        began = self._clock.monotonic()
        running = self._running = asyncio.create_task(self._run(beacon), name=self.child.name)
        hung: ChildHung | None = None
        try:
            hung = await self._watch(running, beacon)
        finally:
            await self._end(running)
        if beacon.is_ready and self._clock.monotonic() - began >= self.child.stable_seconds * NANOS:
            self._backoff.reset()
        death = _death_of(running)
        if hung is not None and not isinstance(death, asyncio.CancelledError):
            hung.__cause__ = death  # it hung, and failed to clean up as well
        return hung or death

    async def _run(self, beacon: Beacon) -> None:
        await self.child.run(beacon)

    async def _watch(self, running: asyncio.Task[None], beacon: Beacon) -> ChildHung | None:
        """Wait until the child has ended, or return in what way it hangs."""
        limit = self.child.ready_timeout_seconds
        if limit is not None:
            try:
                async with self._clock.timeout(None if limit == math.inf else limit):
                    await asyncio.wait({running, beacon.readiness}, return_when=asyncio.FIRST_COMPLETED)
            except TimeoutError:
                if not beacon.is_ready:
                    return ChildHung(f"{self.child.name} was not ready within {limit:g} s")
        if limit is None or beacon.is_ready:
            self._change(ChildState.READY, "ready")
            self.settled.set()
        return await self._listen(running, beacon)

    async def _listen(self, running: asyncio.Task[None], beacon: Beacon) -> ChildHung | None:
        """Wait for the end of a ready child, or for the end of its heartbeat.

        It counts silent checks instead of comparing times: a loop that was blocked for a minute then costs every child
        one silent check, and not its life.
        """
        period = self.child.heartbeat_seconds
        silent, seen = 0, beacon.beats
        while not running.done():
            try:
                async with self._clock.timeout(None if period is None else period / CHECKS_PER_HEARTBEAT):
                    await asyncio.wait({running})
            except TimeoutError:
                silent, seen = (silent + 1 if beacon.beats == seen else 0), beacon.beats
                if silent == CHECKS_PER_HEARTBEAT:
                    return ChildHung(f"{self.child.name} gave no heartbeat for {period} s")
        return None

    async def _end(self, running: asyncio.Task[None]) -> None:
        """Cancel a run and wait until it is over; raise ChildStuck when it never is.

        The second cancellation comes only when the time for cleaning up is spent: it would interrupt the clean-up.
        """
        for seconds in (self.stop_seconds, LAST_CHANCE_SECONDS):
            if running.done():
                break
            if seconds == LAST_CHANCE_SECONDS or not running.cancelling():
                running.cancel()
            try:
                async with self._clock.timeout(seconds):
                    await asyncio.wait({running})
            except TimeoutError:
                continue
        if not running.done():
            raise ChildStuck(f"{self.child.name} still runs {self.stop_seconds:g} s after it was cancelled")
        if not running.cancelled() and (error := running.exception()):
            self.error = error

    def _runs_again(self, error: BaseException | None) -> bool:
        child = self.child
        if error is None:
            self._say("ended")
        else:
            self.error = error
            self._say("crashed", error)
        if isinstance(error, child.fatal):
            return self._fail(error)
        if child.restart == "temporary" or (child.restart == "transient" and error is None):
            self.state = ChildState.STOPPED if error is None else ChildState.FAILED
            return False
        return self._may_restart() or self._fail(self.error)

    def _may_restart(self) -> bool:
        """Count a restart, unless there were too many of late."""
        now = self._clock.monotonic()
        while self._recent and now - self._recent[0] > self.child.within_seconds * NANOS:
            self._recent.popleft()
        if len(self._recent) >= self.child.max_restarts:
            return False
        self._recent.append(now)
        return True

    async def _back_off(self) -> None:
        delay = self._backoff.next()
        self.restarts += 1
        self._change(ChildState.BACKING_OFF, "backing off", self.error, delay)
        await self._clock.sleep(delay)

    def _fail(self, error: BaseException | None) -> Literal[False]:
        self.error = error
        self._change(ChildState.FAILED, "failed", error)
        self._escalate(self.child.name, error)
        return False

    def _change(self, state: ChildState, kind: EventKind, error: BaseException | None = None, delay: float = 0.0) -> None:
        self.state = state
        self._say(kind, error, delay)

    def _say(self, kind: EventKind, error: BaseException | None = None, delay: float = 0.0) -> None:
        self._tell(ChildEvent(self.child.name, kind, self._clock.now(), self.restarts, error, delay))


def _death_of(running: asyncio.Task[None]) -> BaseException | None:
    if running.cancelled():
        return asyncio.CancelledError("cancelled by something else than the supervisor")
    return running.exception()
