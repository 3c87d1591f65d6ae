"""Watches over one run: whether the loop turns, how every part is, and that the outside hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from ml4t.live.clock import Clock
from ml4t.live.engine.checkup import Checkup
from ml4t.live.engine.core import Core
from ml4t.live.engine.inbox import Inbox
from ml4t.live.engine.parts import Parts
from ml4t.live.engine.supervisor import Supervisor
from ml4t.live.engine.watchdog import Blocked, Watchdog
from ml4t.live.health import Board, Condition, Level
from ml4t.live.health.pulse import Pulse
from ml4t.live.health.service import ServiceManager
from ml4t.live.journal import RecordKind

_log = structlog.get_logger("ml4t.live")


class Vitals:
    """The watchdog of the loop, the board of conditions and the pulse of one run.

    `clock` must be one that goes by itself: a replay is watched on the machine's. What changes is journalled and announced
    to observers, except on recorded data, whose journal must not depend on how fast the machine is.
    """

    def __init__(
        self, parts: Parts, clock: Clock, inbox: Inbox, path: Path | None, manager: Callable[[], ServiceManager | None]
    ) -> None:
        settings = parts.engine
        self.core: Core | None = None
        self.supervisors: list[Supervisor] = []
        self.board = Board(self._changed)
        self.watchdog = Watchdog(
            clock,
            on_blocked=self._blocked,
            on_recovered=self._recovered,
            blocked_after_seconds=settings.blocked_after_seconds,
        )
        self.pulse = Pulse(
            parts.name,
            parts.state,
            clock,
            silent=lambda: self.watchdog.silent_seconds,
            writing=lambda: self.core.journal.writing if self.core is not None else None,
            every=settings.heartbeat_seconds,
            patience=settings.blocked_after_seconds,
            path=path,
            manager=manager,
        )
        self._clock = clock
        self._every = settings.heartbeat_seconds
        self._checkup = Checkup(inbox, settings.inbox_capacity, self.board)

    def start(self) -> None:
        """Begin to watch the calling thread, which must be the loop's."""
        self.watchdog.start()
        self.pulse.start()

    def stop(self, state: str, why: str) -> None:
        """Say how the run ended, and watch no more."""
        self.watchdog.stop()
        self.pulse.stop(state, why)

    @contextmanager
    def blocking(self) -> Iterator[None]:
        """While entered the loop may be blocked: it reads or completes the journal."""
        with self.pulse.excused():
            yield
            self.watchdog.beat()

    async def keep_looking(self) -> None:
        """Look at every part again and again until cancelled."""
        while True:
            await self._clock.sleep(self._every)
            self.look()

    def look(self) -> None:
        """Look at every part now."""
        children = [child for supervisor in self.supervisors for child in supervisor.health()]
        now = self._clock.now()
        self.board.note(self._checkup.look(self.core, children, self.watchdog.take_lag(), now), now)
        self.pulse.conditions = self.board.conditions

    def _changed(self, condition: Condition) -> None:
        say = _log.info if condition.level is Level.OK else _log.warning
        say(f"{condition.part} is {condition.level.value}", why=condition.why)
        if self.core is not None and not self.core.recorded:
            self.core.record(RecordKind.CONDITION, condition.part, condition.body())

    def _blocked(self, blocked: Blocked) -> None:
        _log.error("the event loop is blocked", seconds=round(blocked.seconds, 1), stack=blocked.stack)
        if self.core is not None:
            body = {"state": "blocked", "seconds": blocked.seconds, "stack": blocked.stack}
            self.core.record(RecordKind.HEALTH, "event loop", body)

    def _recovered(self, seconds: float) -> None:
        _log.warning("the event loop turns again", blocked_seconds=round(seconds, 3))
