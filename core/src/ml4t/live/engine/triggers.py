"""Triggers at work: who is asked about what, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ml4t.live.clock import Clock
from ml4t.live.config.problem import did_you_mean
from ml4t.live.config.settings import CatchUp
from ml4t.live.contracts.market import MarketView
from ml4t.live.contracts.trigger import CompoundTrigger, EventTrigger, ManualTrigger, StatefulTrigger
from ml4t.live.engine.agenda import Agenda
from ml4t.live.engine.faults import Faults
from ml4t.live.engine.firings import FiringDesk, TriggerSpec, missed
from ml4t.live.engine.timetable import CAUGHT_UP, Timetable
from ml4t.live.engine.watch import Watch
from ml4t.live.journal import Journal, RecordKind
from ml4t.live.model import Firing, MarketEvent
from ml4t.live.orders.ports import Recorder
from ml4t.live.triggers.parts import part_problems

__all__ = ["TriggerBoard", "TriggerSpec"]

DISABLE_AFTER = 20
"""Exceptions after which a trigger is asked no more."""

Asker = Callable[[MarketEvent, int], None]


class Askers(dict[str, Asker | None]):
    """Whom to ask by symbol, None for nobody: looked up by `find` when a symbol is first heard of, and kept."""

    def __init__(self, find: Callable[[str], Asker | None]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, symbol: str) -> Asker | None:
        found = self[symbol] = self._find(symbol)
        return found


class TriggerBoard:
    """All triggers of a run.

    Every event of its symbols goes to a trigger, so that its memory is whole. `clock` is that of a live run: such a run saves
    what triggers remember, and knows of missed moments. On recorded data (None) what was processed before is read again, and
    recalled. Raises ValueError for a compound of triggers that there are not, or of itself.
    """

    def __init__(
        self,
        specs: Sequence[TriggerSpec],
        market: MarketView,
        agenda: Agenda,
        journal: Journal,
        record: Recorder,
        faults: Faults,
        dispatch: Callable[[Firing], None],
        *,
        clock: Clock | None,
    ) -> None:
        compounds = {spec.name: spec.trigger.of for spec in specs if isinstance(spec.trigger, CompoundTrigger)}
        for compound, position, problem in part_problems(compounds, [spec.name for spec in specs]):
            raise ValueError(f"trigger {compound} names {compounds[compound][position]!r}: {problem}")
        enabled = [spec for spec in specs if spec.enabled]
        self._specs = {spec.name: spec for spec in enabled}
        self._market = market
        self._journal = journal
        self._record = record
        self._faults = faults
        self._desk = FiringDesk(enabled, market, journal, record, faults, dispatch, saves=clock is not None)
        self.together = self._desk.together
        self._timetable = Timetable(enabled, self._desk, agenda, record, faults, self._disable, clock, journal.put)
        self._memories: dict[str, dict[str, Any]] = {}
        self._missed: dict[tuple[str, str], list[Firing]] = {}
        self._watches: dict[str, Watch] = {}
        self._event_specs = [spec for spec in enabled if isinstance(spec.trigger, EventTrigger)]
        self.askers = Askers(self._asker)
        """Whom to ask about the events of a symbol."""
        self.listens = bool(self._event_specs)
        """False when no trigger wants to know of any event."""

    # ------------------------------------------------------------------ events and moments

    def _asker(self, symbol: str) -> Asker | None:
        watch = self._watch(symbol)
        return None if watch is None else watch.ask

    def begin(self, now: int) -> None:
        """Begin a live run: moments from `now` on that pass before its first event are missed ones.

        That a compound was there is saved at once: one that had nothing to remember yet may miss a firing, too.
        """
        self._timetable.begin(now)
        for spec in self._specs.values():
            for put in self._desk.memory(spec, "") if isinstance(spec.trigger, CompoundTrigger) else ():
                self._journal.put(*put)

    def plan(self, after: int) -> None:
        """Enter the time triggers into the agenda, with their first moment later than `after` (nanoseconds UTC)."""
        self._timetable.plan(after)

    def resume(self, after: int) -> None:
        """Expect recorded data from `after` on again: firings later than that may have been recorded and not passed on."""
        self._desk.resume(after)

    def recall_moments(self, until: int) -> None:
        """Take the moments up to `until` that came after the last event of before."""
        self._timetable.recall(until)

    def recall(self, event: MarketEvent, moment: int) -> None:
        """Take an event of recorded data that an earlier run has processed."""
        self._timetable.recall(moment)
        watch = self._watch(event.symbol)
        if watch is not None:
            watch.recall(event, moment, self._market)

    def command(self, name: str, symbol: str, reason: str, by: str, moment: int) -> bool:
        """Fire a trigger by hand; return False when it fired at that moment before, or is in its cooldown.

        Raises LookupError for a name that no trigger of the run has, ValueError when the trigger refuses.
        """
        spec = self._spec(name, symbol)
        if isinstance(spec.trigger, ManualTrigger):
            return self._desk.take(spec, spec.trigger.on_command(symbol, reason, by), moment)
        return self._desk.take(spec, Firing(f"{by}: {reason}", symbol), moment)

    def check(self, name: str, symbol: str) -> CatchUp:
        """Return what becomes of a command for this trigger that comes late. Raises as `command` does."""
        return self._spec(name, symbol).catch_up

    def _spec(self, name: str, symbol: str) -> TriggerSpec:
        spec = self._specs.get(name)
        if spec is None:
            raise LookupError(
                f"there is no trigger {name!r}{did_you_mean(name, self._specs) or f'; there are {_list(self._specs)}'}"
            )
        if symbol and not spec.watches(symbol):
            raise ValueError(f"trigger {name} does not look at {symbol}; it looks at {_list(sorted(spec.symbols))}")
        return spec

    # ------------------------------------------------------------------ what is remembered

    def look_back(self, event: MarketEvent, moment: int, market: MarketView) -> None:
        """Take an event of the history that a live run begins with; what it fires was missed when an earlier process ran.

        `market` is the state of the market as the history has made it so far.
        """
        watch = self._watch(event.symbol)
        for spec, firing in watch.recall(event, moment, market) if watch is not None else ():
            self._missed.setdefault((spec.name, firing.symbol), []).append(firing)

    def settle_missed(self) -> None:
        """Record what was missed before the start, and fire it late where that is wanted."""
        while self._missed:
            (name, _), firings = self._missed.popitem()
            spec = self._specs.get(name)
            if spec is None:
                continue
            late = firings[-CAUGHT_UP:] if spec.catch_up == "all" else firings[-1:] if spec.catch_up == "once" else []
            self._record(RecordKind.MISSED, name, missed(spec, firings, "nobody ran", caught_up=len(late)))
            for firing in late:
                self._desk.catch_up(spec, firing)

    @property
    def asked(self) -> frozenset[str]:
        """The names of the triggers that are asked: all that are enabled and have not been given up."""
        return frozenset(self._specs)

    def save(self) -> None:
        """Put what has changed of the triggers' memory into the journal."""
        for watch in self._watches.values():
            for put in watch.memory() if watch.changed else ():
                self._journal.put(*put)

    def restore(self, memories: Mapping[str, Any], firings: Mapping[str, int], dealt: Mapping[str, int]) -> None:
        """Take back the memory, when each trigger fired last for each symbol, and how far the timetable was."""
        self._desk.ran = frozenset(key.partition("|")[0] for key in memories)
        for key, memory in memories.items():
            name, _, symbol = key.partition("|")
            spec = self._specs.get(name)
            if spec is not None and isinstance(spec.trigger, CompoundTrigger):
                if isinstance(spec.trigger, StatefulTrigger) and memory["state"] is not None:
                    spec.trigger.restore(symbol, memory["state"])
            elif spec is not None:
                self._memories.setdefault(symbol, {})[name] = memory
        self._desk.restore(firings)
        self._timetable.restore(dealt)

    def _watch(self, symbol: str) -> Watch | None:
        watch = self._watches.get(symbol)
        if watch is None:
            specs = [spec for spec in self._event_specs if spec.watches(symbol)]
            if not specs:
                return None
            memories = self._memories.pop(symbol, {})
            watch = self._watches[symbol] = Watch(symbol, specs, self._market, self._desk, self._fault, memories)
        return watch

    def _fault(self, spec: TriggerSpec, error: Exception) -> None:
        if self._faults.report(f"trigger {spec.name}", error) >= DISABLE_AFTER:
            self._disable(spec, f"raised {DISABLE_AFTER} times")

    def _disable(self, spec: TriggerSpec, why: str) -> None:
        if self._specs.pop(spec.name, None) is None:
            return
        self._event_specs = [other for other in self._event_specs if other is not spec]
        for watch in self._watches.values():
            watch.drop(spec)
        self._timetable.drop(spec)
        self._record(RecordKind.HEALTH, spec.name, {"state": "disabled", "why": why})


def _list(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
