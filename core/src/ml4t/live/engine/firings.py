"""What becomes of a firing: it happens once, is recorded, held back in warm-up and cooldown, and heard by compounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs

from ml4t.live.config.settings import CatchUp
from ml4t.live.contracts.market import MarketView
from ml4t.live.contracts.trigger import CompoundTrigger, StatefulTrigger, Trigger
from ml4t.live.engine.faults import Faults
from ml4t.live.journal import Journal, RecordKind, StatePut
from ml4t.live.model import Firing
from ml4t.live.orders.ports import Recorder

Key = tuple[str, str]
"""A trigger and a symbol."""


@attrs.define
class TriggerSpec:
    """A trigger and what the engine does for it.

    It sees the events of `symbols` (empty: all); a firing counts after `warmup` events of its symbol, and not within
    `cooldown` nanoseconds of the last one of that symbol. `catch_up` says what becomes of firings that were missed: they are
    recorded and skipped, or the last one is fired late, or all are.
    """

    name: str
    trigger: Trigger
    symbols: frozenset[str] = frozenset()
    cooldown: int = 0
    warmup: int = 0
    enabled: bool = True
    catch_up: CatchUp = "skip"

    def watches(self, symbol: str) -> bool:
        """Return True for a symbol that it looks at; what concerns no symbol concerns it too."""
        return not self.symbols or not symbol or symbol in self.symbols


class FiringDesk:
    """Takes the firings of a run.

    A firing of the same trigger, symbol and moment happens once, also over a restart: those of earlier processes are in
    `recorded`. Only who waits for it may be told again, when recorded data go on where a crash may have come between the two.
    Live (`saves`), what the trigger remembers goes into the same record, so that neither can be lost without the other.
    """

    def __init__(
        self,
        specs: Sequence[TriggerSpec],
        market: MarketView,
        journal: Journal,
        record: Recorder,
        faults: Faults,
        dispatch: Callable[[Firing], None],
        *,
        saves: bool,
    ) -> None:
        self._market = market
        self._journal = journal
        self._record = record
        self._faults = faults
        self._dispatch = dispatch
        self._saves = saves
        self._depth = 0
        self._last: dict[Key, int] = {}
        self._recorded: dict[Key, int] = {}
        self._unsure: set[Key] = set()
        self.ran: frozenset[str] = frozenset()
        """The triggers that an earlier process ran, on live data: what they would have done meanwhile was missed."""
        self._listeners: dict[str, list[TriggerSpec]] = {}
        for spec in specs:
            for name in spec.trigger.of if isinstance(spec.trigger, CompoundTrigger) else ():
                self._listeners.setdefault(name, []).append(spec)

    def restore(self, firings: Mapping[str, int]) -> None:
        """Take back when each trigger fired last for each symbol."""
        for key, moment in firings.items():
            name, _, symbol = key.partition("|")
            self._recorded[name, symbol] = moment
        if self._saves:  # recorded data are recalled from their beginning
            self._last = dict(self._recorded)

    def resume(self, after: int) -> None:
        """Expect recorded data from `after` on again: firings later than that may have been recorded and not passed on."""
        self._unsure = {key for key, moment in self._recorded.items() if moment > after}

    @contextmanager
    def together(self) -> Iterator[None]:
        """Commit what is recorded inside as one: a crash forgets all of it or nothing. On the loop's thread; may be nested."""
        if self._depth == 0:
            self._journal.hold()
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._journal.release()

    def has_listeners(self, name: str) -> bool:
        """Return True for a trigger that a compound listens to."""
        return name in self._listeners

    def take(
        self, spec: TriggerSpec, firing: Firing, moment: int, *, warm: bool = True, state: Sequence[StatePut] = ()
    ) -> bool:
        """Fire, unless that has been before or is held back; return True when it happens now. `state` goes with the record."""
        key = (spec.name, firing.symbol)
        stamped = stamp(spec, firing, moment)
        if moment <= self._last.get(key, -1):
            return False
        if moment <= self._recorded.get(key, -1):
            self._take_again(key, stamped)
            return False
        last = max(self._last.get(key, -1), self._recorded.get(key, -1))
        why_not = _held_back(spec, last, moment, warm=warm)
        if why_not:
            body = attrs.asdict(stamped) | {"suppressed_by": why_not}
            self._record(RecordKind.SUPPRESSED, stamped.firing_id, body, state=state)
            return False
        self._last[key] = moment
        completed = self._hear(stamped)
        if not completed:
            self._note(spec, stamped, state)
            return True
        with self.together():  # a compound's firing follows from this one
            self._note(spec, stamped, state)
            for listener, result in completed:
                self.take(listener, result, moment)
        return True

    def _take_again(self, key: Key, stamped: Firing) -> None:
        """Take a firing that an earlier process has recorded: whoever waits for it may not have heard of it."""
        self._last[key] = stamped.time
        completed = self._hear(stamped)
        if key in self._unsure:
            self._unsure.discard(key)
            self._dispatch(stamped)
        for listener, result in completed:
            self.take(listener, result, stamped.time)

    def catch_up(self, spec: TriggerSpec, stamped: Firing) -> None:
        """Fire what was missed, for its own moment."""
        self._note(spec, stamped, ())

    def recall(self, spec: TriggerSpec, firing: Firing, moment: int, *, warm: bool = True) -> list[tuple[TriggerSpec, Firing]]:
        """Take a firing of the past: for the memory of cooldowns and compounds alone.

        Return what would have happened: it, and what it completes of compounds that an earlier process ran.
        """
        key = (spec.name, firing.symbol)
        last = self._last.get(key, -1)
        if moment <= last or _held_back(spec, last, moment, warm=warm):
            return []
        self._last[key] = moment
        stamped = stamp(spec, firing, moment)
        happened = [(spec, stamped)]
        for listener, result in self._hear(stamped):
            completed = self.recall(listener, result, moment)
            happened += completed if listener.name in self.ran else []
        return happened

    def memory(self, spec: TriggerSpec, symbol: str, **beside: int) -> list[StatePut]:
        """Return what a trigger remembers of a symbol, for the journal; nothing on recorded data, which are read again."""
        if not self._saves:
            return []
        kept = spec.trigger.state(symbol) if isinstance(spec.trigger, StatefulTrigger) else None
        return [StatePut("trigger", f"{spec.name}|{symbol}", {**beside, "state": None if kept is None else dict(kept)})]

    def _note(self, spec: TriggerSpec, stamped: Firing, state: Sequence[StatePut]) -> None:
        puts = [StatePut("firing", f"{spec.name}|{stamped.symbol}", stamped.time), *state]
        for listener in self._listeners.get(spec.name, ()):
            puts += self.memory(listener, "")
        self._record(RecordKind.FIRING, stamped.firing_id, stamped, state=puts)
        self._dispatch(stamped)

    def _hear(self, stamped: Firing) -> list[tuple[TriggerSpec, Firing]]:
        """Tell the compounds, and return what it completes."""
        completed: list[tuple[TriggerSpec, Firing]] = []
        for spec in self._listeners.get(stamped.trigger, ()):
            if not spec.watches(stamped.symbol):
                continue
            try:
                results = list(spec.trigger.on_firing(stamped, self._market))  # type: ignore[union-attr]  # a compound
            except Exception as error:  # noqa: BLE001 - a trigger's fault is its own
                self._faults.report(f"trigger {spec.name}", error)
                continue
            completed += [(spec, result) for result in results if spec.watches(result.symbol)]
        return completed


def _held_back(spec: TriggerSpec, last: int, moment: int, *, warm: bool) -> str:
    if not warm:
        return "warmup"
    return "cooldown" if last >= 0 and moment - last < spec.cooldown else ""


def stamp(spec: TriggerSpec, firing: Firing, moment: int) -> Firing:
    """Return a firing with who, when, and an id that follows from both."""
    return attrs.evolve(firing, trigger=spec.name, time=moment, firing_id=f"{spec.name}:{firing.symbol}:{moment}")


def missed(spec: TriggerSpec, firings: Sequence[Firing], why: str, *, caught_up: int) -> dict[str, Any]:
    """Return the record of firings that were missed, oldest first."""
    return {
        "trigger": spec.name,
        "symbol": firings[0].symbol,
        "count": len(firings),
        "first": firings[0].time,
        "last": firings[-1].time,
        "reason": firings[-1].reason,
        "why": why,
        "caught_up": caught_up,
    }
