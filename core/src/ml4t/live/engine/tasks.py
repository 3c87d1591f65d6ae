"""The tasks of the engine itself: each is run again when it dies, and none dies unheard."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from ml4t.live.clock import Clock
from ml4t.live.engine.child import Child, ChildEvent
from ml4t.live.engine.supervisor import Supervisor, SupervisorFailed
from ml4t.live.errors import BrokerConnectionError, LiveError

FOR_EVER = 1_000_000_000


def helper(name: str, work: Callable[[], Awaitable[None]], *, needed: bool = True) -> Child:
    """Return a task of the engine that is run again, after a pause that grows, whenever it dies.

    When one that is `needed` dies more than five times in a minute, the run ends; one that is not is tried for ever, and is
    over when it returns.
    """
    return Child(
        name,
        lambda _: work(),
        restart="permanent" if needed else "transient",
        max_restarts=5 if needed else FOR_EVER,
        ready_timeout_seconds=None,
    )


def keeper_of_time(work: Callable[[], Awaitable[None]]) -> Child:
    """Return the task that does what is due. What it raises is a fault of the engine, and ends the run."""
    return Child("agenda", lambda _: work(), ready_timeout_seconds=None, fatal=(Exception,))


class EngineTasks:
    """What runs beside the feeds and the broker until the end of a run; `fail` is called with what cannot be kept running."""

    def __init__(
        self, rng: random.Random, on_event: Callable[[ChildEvent], None], fail: Callable[[BaseException], None]
    ) -> None:
        self._rng = rng
        self._on_event = on_event
        self._fail = fail
        self._supervisors: list[Supervisor] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._ending = False

    def keep(self, children: Sequence[Child], clock: Clock) -> Supervisor:
        """Keep tasks running until the end; `clock` is one that goes by itself."""
        supervisor = Supervisor(children, clock, self._rng, self._on_event)
        self._supervisors.append(supervisor)
        self.spawn(_sustain(supervisor), f"supervisor of {', '.join(child.name for child in children)}")
        return supervisor

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something once that nobody waits for."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(self._note_end)
        self._tasks.append(task)

    async def stop(self, seconds: float) -> None:
        """End them all, the latest first; each may take `seconds` to clean up."""
        self._ending = True
        for supervisor in reversed(self._supervisors):
            await supervisor.stop(seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _note_end(self, task: asyncio.Task[None]) -> None:
        """End the run when a task that nobody waits for has died, or was cancelled by something else than the engine."""
        if task.cancelled():
            if not self._ending:
                self._fail(SupervisorFailed(task.get_name(), asyncio.CancelledError("something has cancelled it")))
        elif (error := task.exception()) is not None:
            self._fail(cause_of(error))


async def _sustain(supervisor: Supervisor) -> None:
    await supervisor.start()
    await supervisor.wait()


def cause_of(error: BaseException) -> BaseException:
    """Return what ended a run as something a caller can name: of a part that cannot be kept running, what it died of."""
    if not isinstance(error, SupervisorFailed):
        return error
    if isinstance(error.error, LiveError):
        return error.error
    return BrokerConnectionError(str(error)) if error.child == "broker" else error
