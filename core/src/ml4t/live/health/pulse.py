"""The thread that says outside how the run is: in the heartbeat file, and to a service manager."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
from attrs import define

from ml4t.live.clock import Clock
from ml4t.live.health.condition import Condition, Level, worst
from ml4t.live.health.heartbeat import ENDED, Heartbeat, parts_of, write_heartbeat
from ml4t.live.health.service import ServiceManager
from ml4t.live.times import NANOS

TURNS_PER_WATCHDOG = 4
"""How often the thread turns within the time in which a service manager wants to hear; it allows half of it for silence."""

LONGEST_PHASE = 600.0
"""Seconds for which a start or a stop asks the service manager for more time, as long as it gets on."""

_TAKEN_UP = frozenset({"connecting", "connected", "running"})
"""The states in which everything is watched over, the reaching of a venue that is away included: the start is done."""

_log = structlog.get_logger("ml4t.live")


@define
class _Progress:
    """What the journal's writer was at, and since when."""

    turn: int | None = None
    since: int = 0


class Pulse:
    """Says every few seconds that the run is there and how it is, from a thread of its own, so that it can say what hangs.

    `silent` returns the seconds since the loop turned, `writing` what the journal's writer is at (None: nothing to do); both
    are called on the thread. A service manager hears of a watchdog only while both get on. `conditions` is replaced whole by
    the loop. Without a `path` no file is written. On simulated time there is no thread.
    """

    def __init__(
        self,
        name: str,
        mode: str,
        clock: Clock,
        *,
        silent: Callable[[], float],
        writing: Callable[[], int | None],
        every: float,
        patience: float,
        path: Path | None,
        manager: Callable[[], ServiceManager | None] = lambda: None,
    ) -> None:
        self.conditions: Sequence[Condition] = ()
        self.state = "starting"
        self._name = name
        self._mode = mode
        self._clock = clock
        self._silent = silent
        self._writing = writing
        self._every = every
        self._patience = patience
        self._path = path
        self._manager = manager
        self._progress = _Progress()
        self._phase_began = clock.monotonic()
        self._excused_until = 0
        self._said: set[str] = set()
        self._status = ""
        self._beaten: int | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    # ------------------------------------------------------------------ the loop's side

    def start(self) -> None:
        """Begin to speak."""
        if self._clock.simulated or self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name="ml4t-live pulse", daemon=True)
        self._thread.start()

    def enter(self, state: str) -> None:
        """Say that the run is now connecting, connected, running or stopping; a service manager hears it at once."""
        self.state, self._phase_began = state, self._clock.monotonic()
        manager = self._manager()
        if manager is not None:
            self._say_phase(manager)

    @contextmanager
    def excused(self) -> Iterator[None]:
        """While entered the loop may be blocked for as long as a start may take: it reads the journal, or completes it."""
        self._excused_until = self._clock.monotonic() + round(LONGEST_PHASE * NANOS)
        try:
            yield
        finally:
            self._excused_until = 0

    def stop(self, state: str, why: str = "") -> None:
        """Say how it ended, and end the thread. Again changes nothing."""
        if self._stop.is_set():
            return
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self.state = state
            self._write(Level.DOWN if state == "failed" else Level.OK, why)

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        while True:
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001 - a thread that has died would be taken for a run that hangs
                _log.error("the heartbeat failed", error=repr(error))
            manager = self._manager()
            watched = manager.watchdog_seconds if manager is not None else None
            if self._clock.wait(self._stop, min(self._every, watched / TURNS_PER_WATCHDOG) if watched else self._every):
                return

    def _turn(self) -> None:
        now = self._clock.monotonic()
        loop = 0.0 if now < self._excused_until else self._silent()
        writer = self._writer_stands(now)
        conditions = self._with_what_hangs(loop, writer)
        level, why = worst(conditions), _reasons(conditions)
        if self._beaten is None or now - self._beaten >= self._every * NANOS * 0.9:
            self._beaten = now
            self._write(level, why, conditions)
        manager = self._manager()
        if manager is not None:
            self._tell(manager, now, max(loop, writer), level, why)

    def _writer_stands(self, now: int) -> float:
        """Return for how many seconds the journal's writer has had something to do and has not got on."""
        turn = self._writing()
        if turn is None or turn != self._progress.turn:
            self._progress = _Progress(turn, now)
        return (now - self._progress.since) / NANOS if turn is not None else 0.0

    def _with_what_hangs(self, loop: float, writer: float) -> list[Condition]:
        """Return the conditions, with what the loop cannot say itself."""
        hung = {
            part: Condition(part, Level.DOWN, f"{what} for {seconds:.0f} s", essential=True)
            for part, what, seconds in (
                ("event loop", "it has not turned", loop),
                ("journal", "its writer has not come back from the disk", writer),
            )
            if seconds > self._patience
        }
        return [*hung.values(), *(each for each in self.conditions if each.part not in hung)]

    def _tell(self, manager: ServiceManager, now: int, hangs: float, level: Level, why: str) -> None:
        self._say_phase(manager)
        watched = manager.watchdog_seconds
        limit = watched / 2 if watched else self._patience
        if hangs < limit:
            if watched:
                manager.tell(WATCHDOG=1)
            if self.state not in _TAKEN_UP and now - self._phase_began < LONGEST_PHASE * NANOS:
                manager.tell(EXTEND_TIMEOUT_USEC=round(max(limit, self._every) * 4e6))
        status = f"{self.state}, {level.value}{': ' if why else ''}{why}"
        if status != self._status and manager.tell(STATUS=status):
            self._status = status

    def _say_phase(self, manager: ServiceManager) -> None:
        """Say once, and again until it is taken, that the start is done or that the stop has begun."""
        phase = "READY" if self.state in _TAKEN_UP else "STOPPING" if self.state == "stopping" else ""
        if phase and phase not in self._said and manager.tell(**{phase: 1}):
            self._said.add(phase)

    def _write(self, level: Level, why: str, conditions: Sequence[Condition] = ()) -> None:
        if self._path is None:
            return
        beat = Heartbeat(
            name=self._name,
            mode=self._mode,
            pid=os.getpid(),
            state=self.state,
            level=level,
            why=why,
            time=self._clock.now(),
            every=self._every,
            parts=parts_of(conditions) if self.state not in ENDED else [],
        )
        try:
            write_heartbeat(self._path, beat)
        except OSError as error:
            _log.warning("the heartbeat file cannot be written", file=str(self._path), error=str(error))


def _reasons(conditions: Sequence[Condition]) -> str:
    """Return what is not well, the worst first."""
    bad = sorted((each for each in conditions if each.level is not Level.OK), key=lambda each: -each.level.rank)
    return "; ".join(f"{each.part} {each.level.value}: {each.why}" for each in bad)
