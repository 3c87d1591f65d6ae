"""One supervised part of the engine: what it is, what it signals with, and what is told of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any, Literal

from attrs import field, frozen, validators

from ml4t.live.clock import Clock
from ml4t.live.engine.backoff import FullJitter
from ml4t.live.errors import LiveError

_POSITIVE_OR_NONE: Any = validators.optional(validators.gt(0))


class ChildHung(LiveError):
    """A child did not say that it is ready, or stopped beating, in time."""


class ChildStuck(ChildHung):
    """A child goes on running although it was cancelled twice: it cannot be run again beside itself."""


class ChildState(StrEnum):
    """What a child is doing."""

    WAITING = "waiting"
    """Its turn to start has not come."""
    STARTING = "starting"
    READY = "ready"
    BACKING_OFF = "backing off"
    STOPPED = "stopped"
    """It returned and is not run again, or it was stopped."""
    FAILED = "failed"
    """It died and is not run again."""


EventKind = Literal["starting", "ready", "ended", "crashed", "backing off", "stopped", "failed"]


@frozen
class ChildEvent:
    """Something happened to a child; `at` is in nanoseconds UTC.

    `crashed` and `failed` carry the error; `failed` is an escalation: everything is stopped because of it. `restarts`
    counts the restarts so far.
    """

    child: str
    kind: EventKind
    at: int
    restarts: int
    error: BaseException | None = None
    delay_seconds: float = 0.0


@frozen
class ChildHealth:
    """How a child is doing; `last_beat` is in nanoseconds UTC."""

    name: str
    state: ChildState
    restarts: int
    error: BaseException | None
    """What it last died of."""
    last_beat: int | None
    at_work: bool = True
    """False while it runs and cannot do yet what it is for."""


class Beacon:
    """What a running child signals with. Use it on the loop's thread only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.beats = 0
        self.last_beat: int | None = None
        self.at_work = True
        """False while the child runs and cannot do yet what it is for: a line that is still being connected again."""
        self.readiness: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def is_ready(self) -> bool:
        """True once `ready` was called."""
        return self.readiness.done()

    def ready(self) -> None:
        """Say that the start-up is over; the next child may start. Again changes nothing."""
        self.beat()
        if not self.readiness.done():
            self.readiness.set_result(None)

    def beat(self) -> None:
        """Say that work is being done. Call it where work is done, not from a timer that would go on beside a hung child."""
        self.beats += 1
        self.last_beat = self._clock.now()


@frozen
class Child:
    """A part of the engine that is kept running.

    `run(beacon)` runs until cancelled, or until it has no more to do; it cleans up when cancelled. `restart` says when it
    is run again: `permanent` always, `transient` after an exception, `temporary` never. An exception in `fatal`, and more
    than `max_restarts` restarts within `within_seconds`, escalate.

    The delay before it is run again doubles each time, and begins anew after a run that was ready for `stable_seconds`.

    `ready_timeout_seconds`: each run has to call `beacon.ready()` within it; None is for a child that never does and counts
    as ready when it runs. `heartbeat_seconds`: a ready child that does not call `beacon.beat()` for so long is cancelled
    and run again; it is noticed after at most 1.25 times as long. None asks for no beats.
    """

    name: str
    run: Callable[[Beacon], Awaitable[None]]
    restart: Literal["permanent", "transient", "temporary"] = field(
        default="permanent", validator=validators.in_(("permanent", "transient", "temporary"))
    )
    max_restarts: int = field(default=5, validator=validators.ge(0))
    within_seconds: float = field(default=60.0, validator=validators.gt(0))
    stable_seconds: float = field(default=10.0, validator=validators.gt(0))
    ready_timeout_seconds: float | None = field(default=30.0, validator=_POSITIVE_OR_NONE)
    heartbeat_seconds: float | None = field(default=None, validator=_POSITIVE_OR_NONE)
    fatal: tuple[type[BaseException], ...] = ()
    backoff: Callable[[random.Random], FullJitter] = FullJitter
