"""Keeps the parts of the engine running: started in order, restarted when they die, stopped in reverse.

An `asyncio.TaskGroup` cancels every sibling on the first error: that is scoping. This is supervision, after Erlang's.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable

from ml4t.live.clock import Clock
from ml4t.live.engine.child import Beacon, Child, ChildEvent, ChildHealth, ChildHung, ChildState, ChildStuck
from ml4t.live.engine.keeper import KEEPER, STOP_SECONDS, Keeper
from ml4t.live.errors import LiveError

__all__ = [
    "Beacon",
    "Child",
    "ChildEvent",
    "ChildHealth",
    "ChildHung",
    "ChildState",
    "ChildStuck",
    "Supervisor",
    "SupervisorFailed",
]


class SupervisorFailed(LiveError):
    """A child cannot be kept running, so that everything was stopped; `error` is what it last died of."""

    def __init__(self, child: str, error: BaseException | None) -> None:
        self.child = child
        self.error = error
        reason = f"{type(error).__name__}: {error}" if error is not None else "it returns again and again"
        super().__init__(f"{child} cannot be kept running: {reason}")


class Supervisor:
    """Runs `children`, each after the one before it is ready.

    `clock.sleep` and `clock.monotonic` must be the same time, as they are on the machine's clock and on virtual time: how
    often a child died is no matter of a replay's data. `on_event` is called on the loop's thread for every change; what it
    raises goes to the loop's exception handler.
    """

    def __init__(
        self,
        children: Iterable[Child],
        clock: Clock,
        rng: random.Random,
        on_event: Callable[[ChildEvent], None] = lambda _: None,
    ) -> None:
        self._on_event = on_event
        self._keepers = [Keeper(child, clock, rng, self._tell, self._escalate) for child in children]
        names = [keeper.child.name for keeper in self._keepers]
        if len(set(names)) < len(names):
            raise ValueError(f"every child needs a name of its own: {', '.join(names)}")
        self.failure: SupervisorFailed | None = None
        """Why everything was, or is being, stopped; None unless a child escalated."""
        self._started = False
        self._finished = asyncio.Event()
        self._stopping: asyncio.Task[None] | None = None

    async def start(self) -> bool:
        """Start the children in order; return True when all are up, False when `stop` was called meanwhile.

        A child that dies before it is ready is restarted like any other, and a temporary one is done without. Raises
        SupervisorFailed, with everything stopped, when a child escalates. When cancelled it stops what it has started.
        """
        if self._started:
            raise RuntimeError("a supervisor starts once")
        self._started = True
        try:
            for keeper in self._keepers:
                if self._stopping is not None:
                    break
                keeper.launch().add_done_callback(self._note_end)
                await keeper.settled.wait()
        except asyncio.CancelledError:
            await self.stop()
            raise
        if self._stopping is None:
            return True
        await asyncio.shield(self._stopping)
        self._raise_failure()
        return False

    async def wait(self) -> None:
        """Wait until every child that is not permanent has ended, or until `stop` is done.

        With permanent children only it waits for `stop`. A temporary child that died has ended too. Permanent ones still
        run afterwards, until `stop`. Raises SupervisorFailed, with everything stopped, when a child escalates. Being
        cancelled stops nothing.
        """
        await self._finished.wait()
        if self._stopping is not None:
            await asyncio.shield(self._stopping)
        self._raise_failure()

    async def stop(self, timeout_seconds: float = STOP_SECONDS) -> None:
        """Stop the children in reverse order; each may take `timeout_seconds` to clean up.

        One that still runs then is cancelled once more, given up a second later and reported as failed. It may be called
        at any time and any number of times; a caller that is cancelled leaves the stopping going on.
        """
        for keeper in self._keepers:
            keeper.stop_seconds = timeout_seconds
        await asyncio.shield(self._begin_stop())

    def health(self) -> tuple[ChildHealth, ...]:
        """Return how each child is doing, in the order of their start."""
        return tuple(keeper.health() for keeper in self._keepers)

    def _begin_stop(self) -> asyncio.Task[None]:
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop_all(), name="supervisor stop")
        return self._stopping

    async def _stop_all(self) -> None:
        try:
            for keeper in reversed(self._keepers):
                await keeper.stop()
        finally:
            self._finished.set()

    def _escalate(self, child: str, error: BaseException | None) -> None:
        if self._stopping is None:  # a failure while stopping is told as an event: there is nothing left to stop
            self.failure = SupervisorFailed(child, error)
            self._begin_stop()

    def _raise_failure(self) -> None:
        if self.failure is not None:
            raise self.failure from self.failure.error

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() and self._stopping is None:  # nobody keeps that child any more, and it was not we who wanted it
            self._escalate(task.get_name().removeprefix(KEEPER), asyncio.CancelledError("its keeper was cancelled"))
        mortal = (keeper.task for keeper in self._keepers if keeper.child.restart != "permanent")
        if all(task is not None and task.done() for task in mortal):
            self._finished.set()

    def _tell(self, event: ChildEvent) -> None:
        try:
            self._on_event(event)
        except Exception as error:  # noqa: BLE001 - an observer's fault must not unhinge the supervision
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"on_event failed for {event.child} ({event.kind})", "exception": error}
            )
