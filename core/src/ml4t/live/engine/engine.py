"""The engine: connects, runs until the data end or somebody stops it, and leaves everything on disk."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import structlog

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.clocks import by_itself, clock_of, decided_clock
from ml4t.live.engine.collector import rare_collections
from ml4t.live.engine.commands import Commanded
from ml4t.live.engine.core import Core
from ml4t.live.engine.ending import wind_down
from ml4t.live.engine.inbox import Inbox
from ml4t.live.engine.mending import Mending
from ml4t.live.engine.parts import Parts
from ml4t.live.engine.signals import KillSignal, StopSignals
from ml4t.live.engine.storage import Storage
from ml4t.live.engine.supervision import supervise_broker, supervise_feeds
from ml4t.live.engine.supervisor import ChildEvent, Supervisor, SupervisorFailed
from ml4t.live.engine.taping import told_of
from ml4t.live.engine.tasks import EngineTasks, cause_of, helper, keeper_of_time
from ml4t.live.engine.timekeeper import keep_time
from ml4t.live.engine.vitals import Vitals
from ml4t.live.errors import LiveError
from ml4t.live.export import Exporter
from ml4t.live.health import Condition
from ml4t.live.health.service import ServiceManager
from ml4t.live.journal import RecordKind, StateDir
from ml4t.live.model import Gap, MarketEvent
from ml4t.live.raised import describe_with_place
from ml4t.live.waiting import first_of

STOP_SECONDS = 10.0
"""How long a stop waits for each part before it goes on without it."""

_log = structlog.get_logger("ml4t.live")


class Engine(Commanded):
    """One run of composed `parts`; `LiveEngine` builds it in code, `compose` from a configuration.

    `state_dir` holds what survives a restart; None keeps a shadow run's in a temporary folder. `clock` is the machine's, or
    the data's when the feeds are recorded ones, unless one is given. `seed` makes the jitter of reconnects repeatable.

    Raises ValueError when these do not fit together.
    """

    def __init__(
        self, parts: Parts, *, state_dir: str | Path | None, clock: Clock | None = None, seed: int | None = None
    ) -> None:
        if parts.mode != "shadow" and parts.broker is None:
            raise ValueError(f"mode {parts.mode!r} needs a broker; give one, or set execution_mode='shadow'")
        if parts.mode != "shadow" and state_dir is None:
            raise ValueError(f"mode {parts.mode!r} needs a state_dir: orders that are not on disk are lost in a crash")
        super().__init__()
        self.parts = parts
        self._state_dir = None if state_dir is None else Path(state_dir)
        self._clock = clock
        self._rng = random.Random(seed)  # noqa: S311 - jitter, not secrets
        self._storage: Storage | None = None
        self._feeds: Supervisor | None = None
        self._broker: Supervisor | None = None
        self._failure: BaseException | None = None
        self._vitals: Vitals | None = None
        self._manager: ServiceManager | None = None
        self._exporter: Exporter | None = None
        self._tasks = EngineTasks(self._rng, self._on_child, self._fail)
        self._ended: asyncio.Event | None = None
        self._stop_wanted = asyncio.Event()
        self.core: Core | None = None
        """The works; None until `connect`, or until the first event when that has to decide on the clock."""
        self.state = "new"
        """new, connected, running, stopping, stopped or failed."""

    @property
    def state_folder(self) -> StateDir:
        """The folder of this run's mode: its journal and its log. It exists from `connect` on."""
        if self._storage is None:
            raise RuntimeError("the state folder is taken by connect()")
        return self._storage.folder

    @property
    def halted(self) -> str:
        """The strategy, trigger or forecaster whose exceptions have ended the run, by `on_error`; empty when none has."""
        return "" if self.core is None else self.core.faults.halted

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """How every part was at the last look; empty before the first one. From any thread."""
        return () if self._vitals is None else self._vitals.board.conditions

    # ------------------------------------------------------------------ the three calls

    async def connect(self) -> None:
        """Take the state directory and open the journal; connect the broker when there is one.

        A stop that is asked for meanwhile ends the attempt; `run` then ends at once. Raises StateLocked when another process
        runs on it, BrokerConnectionError or BrokerRefused when the broker cannot be connected.
        """
        if self.state != "new":
            raise RuntimeError(f"connect() comes first and once; this engine is {self.state}")
        loop = asyncio.get_running_loop()
        self._open_storage()
        self.state = "connected"
        self._barrier = Barrier()
        self._inbox = Inbox(
            loop,
            self._first_event,
            self._barrier,
            capacity=self.parts.engine.inbox_capacity,
            on_gap=self._on_gap,
            on_error=self._fail,
        )
        try:
            clock = decided_clock(self.parts, self._clock)
            self._watch(clock)
            if clock is not None:
                self._build(clock)
            if self.parts.mode != "shadow":
                self._watched.pulse.enter("connecting")
                await self._connect_broker()
            self._watched.pulse.enter("connected")
        except SupervisorFailed as error:
            self._failure = cause_of(error)
            await self._shut_down()
            raise self._failure from error
        except BaseException as error:
            self._failure = error
            await self._shut_down()
            raise

    async def run(self) -> None:
        """Run until the data end, `stop` is called or a stop signal comes; connects first when that has not been done.

        Raises what ended the run when that was no stop: BrokerConnectionError, FeedRefused, the strategy's exception when
        `on_error` says halt. Whatever happens, everything is on disk afterwards.
        """
        if self.state not in {"new", "connected"}:
            raise RuntimeError(f"run() comes once, after connect(); this engine is {self.state}")
        with self.in_charge():
            await self.serve()

    @contextmanager
    def in_charge(self) -> Iterator[None]:
        """While entered, on the loop's thread, the process is this run's; `run` enters it by itself.

        A stop signal ends the run in order, whatever it is at, the second at once; SIGUSR1 throws the kill switch; a service
        manager that has started the process is told how the run is; garbage is collected rarely.
        """
        self._manager = ServiceManager.from_environment()
        try:
            with StopSignals(self._on_signal, self._force), KillSignal(self._on_kill_signal), rare_collections():
                yield
        finally:
            if self._manager is not None:
                self._manager.close()
                self._manager = None

    async def serve(self) -> None:
        """Run, and leave the signals of the process as they are: in a program's own hands, or `in_charge`. Raises as `run`."""
        if self.state == "new":
            await self.connect()
        if not self._stop_wanted.is_set():
            self.state = "running"
            self._watched.pulse.enter("running")
            await self._run()
        await self._shut_down()
        if self._failure is not None:
            raise self._failure

    async def _run(self) -> None:
        try:
            if self.core is not None:
                self._begin(self.core)
                await self.core.warm_up()
            await self._run_feeds()
            await self._end_of_data()
        except Exception as error:  # noqa: BLE001 - raised again by run, once everything is on disk
            self._failure = self._failure or cause_of(error)
        finally:
            await self._shut_down()

    async def caught_up(self) -> None:
        """Wait until all that the feeds have pushed so far has been processed."""
        await self._inbox.drained()

    async def stop(self) -> None:
        """Ask the run to end in order; `run` returns when it is done.

        Before `run` it undoes `connect` and returns when that is done. Calling it again changes nothing.
        """
        if self.state in {"connected", "running"}:
            self._stop_wanted.set()
        if self.state == "connected":
            await self._shut_down()

    # ------------------------------------------------------------------ beginning

    def _open_storage(self) -> Storage:
        if self._storage is None:
            self._storage = Storage(self._state_dir, self.parts.state)
        return self._storage

    def _watch(self, clock: Clock | None) -> None:
        """Begin to watch the loop and every part: on the machine's clock, unless time is simulated."""
        storage, waiting = self._open_storage(), by_itself(clock)
        self._vitals = vitals = Vitals(self.parts, waiting, self._inbox, storage.heartbeat, lambda: self._manager)
        vitals.start()
        children = [helper("watchdog beat", vitals.watchdog.keep_beating), helper("checkup", vitals.keep_looking)]
        vitals.supervisors.append(self._tasks.keep(children, waiting))

    @property
    def _watched(self) -> Vitals:
        if self._vitals is None:
            raise RuntimeError("nobody watches before connect()")
        return self._vitals

    def _build(self, clock: Clock) -> Core:
        with self._watched.blocking():  # there may be much to read
            core = self._take_up(clock)
        self._watched.core = core
        return core

    def _take_up(self, clock: Clock) -> Core:
        settings = self.parts.engine
        journal = self._open_storage().open_journal(
            clock, settings.durability, self._journal_failed, max_mib=settings.journal_max_mib
        )
        tape = None
        if settings.record and self.parts.strategy is not None:
            about = told_of(self.parts, journal.last_seq)
            tape = self._open_storage().begin_tape(about, clock, max_mib=settings.record_max_mib)
        self.core = core = Core(self.parts, clock, journal, asyncio.get_running_loop(), self._barrier, self._fail, tape)
        self._mending = Mending(core, self._barrier)
        core.start()
        self._control = core.control(self.state_folder)
        self._hand_control = core.hand_control(self.state_folder)
        self._control.look()  # what was left while nobody ran is obeyed before anything is sent
        self._obey_waiting(core)
        for named in self.parts.feeds:
            if hasattr(named.feed, "clock"):
                named.feed.clock = clock  # a paced replay waits on the engine's time
            if core.resume_after is not None and hasattr(named.feed, "resume_after"):
                named.feed.resume_after = core.resume_after
        self._inbox.attach(core)
        return core

    def _first_event(self, event: MarketEvent) -> None:
        """Decide on the clock with the first event of feeds that did not say."""
        self._build_now(clock_of(event))

    def _build_now(self, clock: Clock) -> None:
        self._begin(self._build(clock))

    def _begin(self, core: Core) -> None:
        waiting = by_itself(core.clock)  # recorded data may come faster, or not for hours
        children = [] if core.recorded else [keeper_of_time(lambda: keep_time(core))]
        for name, control in (("control", self._control), ("triggers by hand", self._hand_control)):
            children.append(helper(name, partial(control.watch, waiting, self.parts.engine.control_seconds)))
        children.append(helper("journal watch", self._mending.watch))
        children += [helper(f"observer {queue.name}", queue.run, needed=False) for queue in core.hub.queues]
        every = self.parts.engine.export_seconds
        if self._state_dir is not None and every:
            self._exporter = Exporter(core, self.state_folder)
            if not waiting.simulated:  # nobody looks at what is a minute old after a few milliseconds
                children.append(helper("files for people", partial(self._exporter.keep_writing, every), needed=False))
        self._watched.supervisors.append(self._tasks.keep(children, waiting))
        if core.strategist is not None:
            core.strategist.on_start()

    # ------------------------------------------------------------------ running

    async def _connect_broker(self) -> None:
        """Bring the broker up before anything else, under its own supervisor, which outlives the feeds'."""
        core = self.core
        if core is None:
            raise RuntimeError("a broker needs a clock that runs by itself")
        self._broker = supervise_broker(core.link(), self.parts.engine, core.clock, self._rng, self._on_child)
        self._watched.supervisors.append(self._broker)
        await first_of(self._broker.start(), self._stop_wanted.wait())
        if not self._stop_wanted.is_set():
            self._tasks.spawn(self._broker.wait(), "broker watch")

    async def _run_feeds(self) -> None:
        self._feeds = supervise_feeds(self.parts, self._inbox, lambda: self.core, self._clock, self._rng, self._on_child)
        self._watched.supervisors.append(self._feeds)
        await self._feeds.start()
        await first_of(self._feeds.wait(), self._stop_wanted.wait())

    async def _end_of_data(self) -> None:
        """Process what has been pushed; at the end of the data, also what only an end completes."""
        if self._stop_wanted.is_set() or self._failure is not None:
            return
        await first_of(self._inbox.drained(), self._stop_wanted.wait())
        if self.core is None:
            self._build_now(SystemClock())
        if self.core is not None and not self._stop_wanted.is_set():
            while self.core.finish() and not self._stop_wanted.is_set():
                await first_of(self._inbox.drained(), self._stop_wanted.wait())
            await first_of(self._inbox.drained(), self._stop_wanted.wait())

    # ------------------------------------------------------------------ ending

    async def _shut_down(self) -> None:
        """Let go of everything, once; whoever asks while that is under way waits for it."""
        if self._ended is not None:
            await self._ended.wait()
            return
        self._ended = asyncio.Event()
        self.state = "stopping"
        if self._vitals is not None:
            self._vitals.pulse.enter("stopping")
        try:
            await self._wind_down()
        except LiveError as error:
            _log.error("the run could not be ended in order", error=str(error))
            self._failure = self._failure or error
        finally:
            await self._tasks.stop(STOP_SECONDS)
            self._complete()
            if self._exporter is not None:
                await self._exporter.write()
            self._close()
            self._ended.set()

    async def _wind_down(self) -> None:
        if self._feeds is not None:
            await self._feeds.stop(STOP_SECONDS)
        self._inbox.close()
        if self.core is not None:
            await wind_down(self.core, self._broker, self._why, STOP_SECONDS)

    def _complete(self) -> None:
        try:
            if self._storage is not None:
                with nullcontext() if self._vitals is None else self._vitals.blocking():
                    self._storage.complete()
        except LiveError as error:
            _log.error("the journal could not be completed", error=str(error))
            self._failure = self._failure or error

    def _close(self) -> None:
        """Say how it ended, and let the next process in."""
        self.state = "failed" if self._failure is not None else "stopped"
        if self._vitals is not None:
            self._vitals.stop(self.state, self._why())
        if self._storage is not None:
            self._storage.release()

    def _why(self) -> str:
        if self._failure is not None:
            return f"{type(self._failure).__name__}: {self._failure}"
        return "stopped" if self._stop_wanted.is_set() else "the data ended"

    # ------------------------------------------------------------------ what others report

    def _fail(self, error: BaseException) -> None:
        """End the run because of a fault; the first one is the one that is raised."""
        if self._failure is None:
            self._failure = error
            _log.error("the run ends", error=repr(error))
            self._barrier.enter()  # for good: no event may be processed after this
        self._stop_wanted.set()

    def _on_gap(self, gap: Gap) -> None:
        if self.core is not None:
            self.core.on_gap(gap)

    def _journal_failed(self, error: Exception) -> None:
        if self.core is not None and self._ended is None:
            self._mending.refused(error)

    def _on_child(self, event: ChildEvent) -> None:
        if self.core is not None and event.kind in {"crashed", "backing off", "failed"}:
            body = {"state": event.kind, "restarts": event.restarts, "error": repr(event.error) if event.error else ""}
            self.core.record(RecordKind.HEALTH, event.child, body)
        if event.error is None or event.kind == "stopped":
            return
        if not isinstance(event.error, LiveError):  # a mistake of somebody's, and no line that was cut
            told, trace = describe_with_place(event.error), event.error if event.kind == "crashed" else None
            _log.warning(f"{event.child} is {event.kind}", error=told, exc_info=trace)
        elif event.kind != "crashed":  # what becomes of it is told next
            _log.warning(f"{event.child} is {event.kind}", error=str(event.error), delay_seconds=round(event.delay_seconds, 1))

    def _on_signal(self, name: str) -> None:
        _log.info("stopping", signal=name)
        self._stop_wanted.set()

    def _force(self) -> None:
        if self._storage is not None:
            self._storage.flush_from_signal()
