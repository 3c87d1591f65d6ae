"""The works: every part of the engine wired to the others, on one clock and one journal."""

from __future__ import annotations

import contextlib
import threading
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from functools import partial

import structlog

from ml4t.live.clock import Clock, DataClock
from ml4t.live.contracts.observer import RuntimeEvent
from ml4t.live.engine.agenda import Agenda
from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.by_hand import BUCKET as BY_HAND
from ml4t.live.engine.by_hand import ByHand, HandDesk, TriggerFolder
from ml4t.live.engine.control import APPLIED, Command, Control, ControlFolder
from ml4t.live.engine.days import VALUE_EVERY, Days
from ml4t.live.engine.faults import Faults
from ml4t.live.engine.forecasting import ForecastDesk
from ml4t.live.engine.guard import Guard
from ml4t.live.engine.link import VenueLink
from ml4t.live.engine.liveness import SymbolLiveness
from ml4t.live.engine.manifest import changes, manifest_of
from ml4t.live.engine.memory import Memory
from ml4t.live.engine.observers import ObserverHub
from ml4t.live.engine.parts import Parts
from ml4t.live.engine.pipeline import Pipeline
from ml4t.live.engine.recorder import EngineRecorder
from ml4t.live.engine.recovery import restore_books, restore_forecasts, restore_triggers, restore_venue, watermark
from ml4t.live.engine.resumption import Resumption
from ml4t.live.engine.triggers import TriggerBoard
from ml4t.live.engine.warmup import WarmUp
from ml4t.live.engine.wiring import (
    bars_of,
    desk_of,
    forecasts_of,
    ledger_of,
    market_of,
    outbox_of,
    shadow_venue_of,
    strategist_of,
)
from ml4t.live.errors import JournalError
from ml4t.live.journal import Journal, RecordKind, StateDir
from ml4t.live.model import Gap, MarketEvent, OrderState
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.risk.latches import Latches
from ml4t.live.risk.loss import LossWatch
from ml4t.live.risk.switch import Connection, Switch
from ml4t.live.sessions.calendar import DAY
from ml4t.live.tape import Tape
from ml4t.live.tape.frames import Kind

_log = structlog.get_logger("ml4t.live")


class Core:
    """Books, gate, venue, market, triggers, forecasters and strategy of one run, restored from the journal."""

    def __init__(
        self,
        parts: Parts,
        clock: Clock,
        journal: Journal,
        loop: AbstractEventLoop,
        barrier: Barrier,
        fail: Callable[[BaseException], None],
        tape: Tape | None = None,
    ) -> None:
        self.parts = parts
        self.clock = clock
        self.journal = journal
        self.recorded = isinstance(clock, DataClock)
        self._loop = loop
        self._thread = threading.get_ident()
        waiting = barrier if self.recorded else None

        self.agenda = Agenda()
        self.tape = tape
        self.market = market_of(parts, tape)
        self.hub = ObserverHub(parts.observers)
        self.record = EngineRecorder(journal, self._publish if self.hub.queues else None, clock, waiting)
        self.faults = Faults(
            self.record,
            halt=parts.engine.on_error == "halt",
            budget=parts.engine.error_budget,
            fail=lambda error: self.on_loop(lambda: fail(error)),
        )
        self.switch = Switch()
        self.connection = Connection()
        self.losses = LossWatch(parts.limits, parts.calendar)
        self.latches = Latches(parts.limits)
        self.desk = desk_of(
            parts,
            self.market,
            clock,
            self.record,
            switch=self.switch,
            connection=self.connection,
            losses=self.losses,
            on_loop=self.on_loop,
            find_fill=lambda key: journal.fill(*key),
        )
        self.guard = Guard(
            parts,
            self.desk,
            switch=self.switch,
            connection=self.connection,
            losses=self.losses,
            latches=self.latches,
            agenda=self.agenda,
            record=self.record,
            clock=clock,
            on_loop=self.on_loop,
        )
        self.venue = shadow_venue_of(parts, self.market, self.desk) if parts.mode == "shadow" else None
        self.outbox = outbox_of(parts, self.desk, clock) if self.venue is None else None
        self.desk.executor = self.outbox if self.venue is None else self.venue
        self.ledger = ledger_of(parts, self.market, self.record)
        self.forecasts = ForecastDesk(
            parts.forecasters,
            market=self.market,
            ledger=self.ledger,
            broker=lambda name: DeskBroker(self.desk, parts.run_id, name),
            clock=clock,
            record=self.record,
            remember=self._remember,
            faults=self.faults,
            together=lambda: self.triggers.together(),  # noqa: PLW0108 - the triggers come later
            barrier=waiting,
            live_mode=not self.recorded,
        )
        self.triggers = TriggerBoard(
            parts.triggers,
            self.market,
            self.agenda,
            journal,
            self.record,
            self.faults,
            self.forecasts.on_firing,
            clock=None if self.recorded else clock,
        )
        self.strategist = strategist_of(
            parts,
            self.desk,
            self.market,
            forecasts_of(parts, self.ledger, clock),
            self.faults,
            journal,
            self.on_loop,
            waiting,
            tape,
            self._remember,
        )
        self.liveness = SymbolLiveness(
            self.market, clock, self.record, parts.engine.silence_seconds, parts.symbols, parts.calendar
        )
        self.pipeline = Pipeline(
            clock=clock,
            agenda=self.agenda,
            barrier=barrier,
            market=self.market,
            desk=self.desk,
            ledger=self.ledger,
            triggers=self.triggers,
            venue=self.venue,
            strategist=self.strategist,
            evolving=parts.evolving,
        )
        self.pipeline.on_first_event = self._first_event
        self.pipeline.bars = bars_of(parts, self.agenda, self.pipeline.release_bars, ordered=self.recorded)
        self.take = self.pipeline.take
        self.days = Days(
            self.losses,
            self.desk,
            self.agenda,
            journal,
            self.record,
            parts.mode,
            moment=lambda: self.pipeline.moment,
            on_end=None if self.venue is None else self.venue.end_day,
        )
        self.hand = HandDesk(self.triggers, self.record, clock)
        self.memory = Memory(self.market, self.triggers, journal, self.agenda, parts.market.save)
        self.past: WarmUp | None = None
        """What takes the history that a live run begins with, None when none is wanted."""
        self._resumption: Resumption | None = None
        self._checked = -1

    # ------------------------------------------------------------------ life

    def start(self) -> None:
        """Take back what the journal holds, and seal the manifest of this run into it."""
        after = watermark(self.journal) if isinstance(self.clock, DataClock) else None
        if isinstance(self.clock, DataClock):
            self.clock.advance(after or 0)
            self.record.progress = lambda: self.pipeline.completed or after or 0
        restore_books(self.journal, self.desk, self.losses, self.switch, self.latches)
        if self.outbox is not None:
            self.desk.doubt("the process ended before anybody knew whether it had left")
        restore_forecasts(self.journal, self.ledger)
        restore_triggers(self.journal, self.triggers)
        self.forecasts.restore(self.journal, after)
        if not self.recorded:
            self._wake()
        if self.venue is not None:
            restore_venue(self.venue, self.desk, self.journal, self.agenda, after)
        if after is not None:
            self._resume(after)
        number = self._seal()
        if self.tape is not None:
            self._begin_tape(self.tape, number)
        if self.venue is not None:
            self.connection.up()
        self.guard.start(self.journal.state("risk").get("flatten"), self.journal.state("flatten"))
        if not self.recorded or after is not None:  # no event is needed, and a resumed run has had its first one
            self.agenda.at(self.clock.now(), lambda _: self.guard.flattener.go_on())

    def _seal(self) -> int:
        """Journal the manifest of this run with what of it is not as in the run before; return the record's number."""
        manifest = manifest_of(self.parts, recorded=self.recorded)
        different = changes(self.journal.manifest(), manifest)
        for change in different:
            _log.warning("not as in the run before", change=change)
        return self.record(RecordKind.RUN, self.parts.name, {**manifest, "changes": different})

    def _begin_tape(self, tape: Tape, number: int) -> None:
        tape.note((Kind.STARTED, number))
        tape.on_hole = lambda why: self.on_loop(partial(self._tape_ends, why))
        if tape.hole:
            self._tape_ends(tape.hole)

    def _tape_ends(self, why: str) -> None:
        _log.error("the tape ends here; the run goes on without it", why=why)
        with contextlib.suppress(JournalError):  # the run has ended, or the disk takes nothing at all
            self.record(RecordKind.HEALTH, "tape", {"state": "hole", "why": why})

    def _wake(self) -> None:
        """Take back what a live run remembers of the market, and what its feeds can add to it."""
        self.memory.restore()
        self.triggers.begin(self.clock.now())
        if self.parts.market.warmup:
            self.past = WarmUp(self.market, self.triggers, self.clock, self.parts.market.warmup)

    @property
    def resume_after(self) -> int | None:
        """The moment up to which an earlier run has processed the recorded data, None when there is none."""
        return self._resumption.after if self._resumption is not None else None

    async def warm_up(self) -> None:
        """Take back what is remembered of the recorded data that an earlier run has processed."""
        if self._resumption is not None:
            for named in self.parts.feeds:
                await self._resumption.warm_up(named.feed)

    def work(self, events: deque[MarketEvent], limit: int) -> None:
        """Process up to `limit` events, and note how far that came."""
        self.pipeline.begin_batch()
        self.take(events, limit)
        if not self.recorded:
            self.pipeline.end_instant()
        if self.journal.last_seq != self._checked or (self.venue is not None and self.venue.unsaved):
            self.checkpoint()

    def checkpoint(self) -> None:
        """Note what a restart needs besides the records: progress, what resting orders remember, loss limits."""
        put = self.journal.put
        if self.recorded:
            put("progress", "moment", self.pipeline.completed or None)
            self.days.note_worth(self.clock.now())
        if self.venue is not None and self.venue.unsaved:
            notes, self.venue.unsaved = self.venue.unsaved, {}
            for order_id, note in notes.items():
                put("shadow", order_id, note)
        put("risk", "losses", self.losses.state())
        if self.latches.on:
            put("risk", "latches", self.latches.state())
        self._checked = self.journal.last_seq

    def save(self) -> None:
        """Note what the next process has to know of this one, because it ends."""
        self.days.note_worth(self.clock.now())
        self.checkpoint()
        if not self.recorded:
            self.memory.save_all()

    def finish(self) -> bool:
        """Hand over what is left of the data: there is no more. Return True when it has to be called again."""
        return self.pipeline.finish()

    def journal_failed(self, error: Exception) -> None:
        """Send nothing until the disk accepts again, and withdraw what waits for it: it would be sent late."""
        self.connection.down(f"the journal cannot be written ({error})", by="journal")
        for order in self.desk.orders.open_orders:
            if order.state is OrderState.INTENT:
                self.desk.cancel(order.order_id)

    def journal_mended(self) -> None:
        """Send again."""
        self.connection.up(by="journal")
        self.record(RecordKind.HEALTH, "journal", {"state": "mended", "why": "the disk accepts again"})

    def on_gap(self, gap: Gap) -> None:
        """Record a hole in the data."""
        self.record(RecordKind.GAP, gap.symbol, gap)

    def on_loop(self, action: Callable[[], None]) -> None:
        """Run `action` on the loop's thread: now, when that is the caller's."""
        if threading.get_ident() == self._thread:
            action()
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed: a strategy's thread has outlived the run
                self._loop.call_soon_threadsafe(action)

    def link(self) -> VenueLink:
        """Return the link to the broker of this run."""
        broker, outbox = self.parts.broker, self.outbox
        if broker is None or outbox is None:
            raise RuntimeError("a shadow run has no link to a broker")
        return VenueLink(
            broker,
            self.parts.mode,
            desk=self.desk,
            outbox=outbox,
            connection=self.connection,
            clock=self.clock,
            record=self.record,
            since=int(self.journal.state("venue").get("reconciled", 0)),
            reconcile_seconds=self.parts.engine.reconcile_seconds,
            on_difference=self.guard.differed,
            on_reconciled=lambda moment: self.journal.put("venue", "reconciled", moment),
        )

    def _resume(self, after: int) -> None:
        """Set out from the moment at which an earlier run on recorded data stopped."""
        self._resumption = Resumption(after, self.market, self.triggers, self.pipeline)
        self.take = self._resumption.take
        self.days.resume()
        self.triggers.resume(after)
        self.pipeline.resume(after)

    def control(self, state: StateDir) -> Control[Command]:
        """Return what obeys the commands that people leave in the folder of this run."""
        journal = self.journal
        return Control(
            ControlFolder(state),
            self.guard.emergency.obey,
            applied=journal.state(APPLIED),
            forget=lambda name: journal.put(APPLIED, name, None),
        )

    def hand_control(self, state: StateDir) -> Control[ByHand]:
        """Return what fires the triggers that people name in the folder of this run."""
        journal = self.journal
        return Control(
            TriggerFolder(state),
            self.hand.obey,
            applied=journal.state(BY_HAND),
            forget=lambda name: journal.put(BY_HAND, name, None),
        )

    # ------------------------------------------------------------------ what happens by itself

    def _first_event(self, now: int) -> None:
        resumed = self._resumption is not None
        self.days.begin(now, resumed=resumed)
        if self.recorded:
            self.triggers.plan(now if resumed else now - 1)
        else:  # after the event itself: who is asked about what was missed needs a price
            self.agenda.at(now, self._begin_triggers)
        self.guard.flattener.go_on()
        # At midnight, so that recorded data that go on after a crash give up the same forecasts at the same moments.
        self.agenda.every(DAY, (now // DAY + 1) * DAY, self.ledger.expire)
        if not self.recorded:
            if self.pipeline.bars is not None:
                self.pipeline.bars.begin(now)
            interval = round(self.parts.engine.silence_seconds * 1e9)
            self.agenda.every(interval, now + interval, self.liveness.look)
            self.agenda.every(VALUE_EVERY, now + VALUE_EVERY, self.days.note_worth)

    def _remember(self, bucket: str, key: str, value: object) -> None:
        """Put what belongs to a moment into the journal, with how far the recorded data were done before it."""
        if self.record.progress is not None:
            self.journal.put("progress", "moment", self.record.progress() or None)
        self.journal.put(bucket, key, value)

    def _begin_triggers(self, now: int) -> None:
        self.triggers.settle_missed()
        self.triggers.plan(now)
        self.memory.begin(now)

    def _publish(self, event: RuntimeEvent) -> None:
        self.on_loop(lambda: self.hub.publish(event))
