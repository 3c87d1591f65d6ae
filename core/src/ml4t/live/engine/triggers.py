"""Triggers at work: who is asked about what, and what becomes of a firing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from ml4t.live.contracts.market import MarketView
from ml4t.live.contracts.trigger import EventTrigger, StatefulTrigger, TimeTrigger, Trigger
from ml4t.live.engine.agenda import Agenda
from ml4t.live.engine.faults import Faults
from ml4t.live.journal import RecordKind, StatePut
from ml4t.live.model import Firing, MarketEvent
from ml4t.live.orders.ports import Recorder

DISABLE_AFTER = 20
"""Exceptions after which a trigger is asked no more."""

Asker = Callable[[MarketEvent, int], None]


@attrs.define
class TriggerSpec:
    """A trigger and what the engine does for it.

    It sees the events of `symbols` (empty: all); a firing counts after `warmup` events of its symbol, and not within
    `cooldown` nanoseconds of the last one of that symbol.
    """

    name: str
    trigger: Trigger
    symbols: frozenset[str] = frozenset()
    cooldown: int = 0
    warmup: int = 0
    enabled: bool = True


class TriggerBoard:
    """All triggers of a run.

    Every event of its symbols goes to a trigger, so that its memory is whole; a firing during warm-up or cooldown is
    recorded as suppressed. A firing of the same trigger, symbol and moment happens once, also over a restart; only who
    waits for it may be told again, when recorded data go on where a crash may have come between the two.
    """

    def __init__(
        self,
        specs: Sequence[TriggerSpec],
        market: MarketView,
        record: Recorder,
        faults: Faults,
        dispatch: Callable[[Firing], None],
    ) -> None:
        self._specs = {spec.name: spec for spec in specs if spec.enabled}
        self._market = market
        self._record = record
        self._faults = faults
        self._dispatch = dispatch
        self._seen: dict[tuple[str, str], int] = {}
        self._last: dict[tuple[str, str], int] = {}
        self._unsure: set[tuple[str, str]] = set()
        self.bound: dict[str, tuple[Asker, ...]] = {}
        """Whom to ask per symbol, as far as found; `askers` finds the rest."""
        self._event_specs = [spec for spec in self._specs.values() if isinstance(spec.trigger, EventTrigger)]

    def askers(self, symbol: str) -> tuple[Asker, ...]:
        """Return whom to ask about the events of a symbol; found once, then kept."""
        bound = self.bound.get(symbol)
        if bound is None:
            wanted = (spec for spec in self._event_specs if not spec.symbols or symbol in spec.symbols)
            bound = self.bound[symbol] = tuple(self._asker(spec, symbol) for spec in wanted)
        return bound

    def plan(self, agenda: Agenda, after: int) -> None:
        """Enter the time triggers into the agenda, with their first moment later than `after` (nanoseconds UTC)."""
        for spec in list(self._specs.values()):
            if isinstance(spec.trigger, TimeTrigger):
                self._plan_next(agenda, spec, after)

    def resume(self, after: int) -> None:
        """Expect recorded data from `after` on again: firings later than that may have been recorded and not passed on."""
        self._unsure = {key for key, moment in self._last.items() if moment > after}

    def fire(self, name: str, firing: Firing, moment: int) -> bool:
        """Fire a trigger by hand; return False when that firing has been before."""
        return self._take(self._specs[name], firing, moment)

    @property
    def asked(self) -> frozenset[str]:
        """The names of the triggers that are asked: all that are enabled and have not been given up."""
        return frozenset(self._specs)

    def state(self) -> list[StatePut]:
        """Return the memory of the triggers, for the journal."""
        return [
            StatePut("trigger", spec.name, dict(spec.trigger.state()))
            for spec in self._specs.values()
            if isinstance(spec.trigger, StatefulTrigger)
        ]

    def restore(self, memories: Mapping[str, Any], firings: Mapping[str, int]) -> None:
        """Take back the memory, and when each trigger fired last for each symbol."""
        for spec in self._specs.values():
            if spec.name in memories and isinstance(spec.trigger, StatefulTrigger):
                spec.trigger.restore(memories[spec.name])
        for key, moment in firings.items():
            name, symbol = key.split("|", 1)
            self._last[name, symbol] = moment

    def _asker(self, spec: TriggerSpec, symbol: str) -> Asker:
        on_event = spec.trigger.on_event  # type: ignore[union-attr]  # only event triggers come here
        market, key = self._market, (spec.name, symbol)
        count = 0

        def ask(event: MarketEvent, moment: int) -> None:
            nonlocal count
            count += 1
            try:
                firing = on_event(event, market)
            except Exception as error:  # noqa: BLE001 - a trigger's fault is its own
                self._fault(spec, error)
                return
            if firing is not None:
                self._seen[key] = count
                self._take(spec, firing if firing.symbol else attrs.evolve(firing, symbol=symbol), moment)

        return ask

    def _take(self, spec: TriggerSpec, firing: Firing, moment: int) -> bool:
        key = (spec.name, firing.symbol)
        last = self._last.get(key)
        stamped = attrs.evolve(firing, trigger=spec.name, time=moment, firing_id=f"{spec.name}:{firing.symbol}:{moment}")
        if last is not None and moment <= last:
            if moment == last and key in self._unsure:
                self._unsure.discard(key)
                self._dispatch(stamped)
            return False
        why_not = self._suppressed(spec, key, last, moment)
        if why_not:
            self._record(RecordKind.SUPPRESSED, stamped.firing_id, attrs.asdict(stamped) | {"suppressed_by": why_not})
            return False
        self._last[key] = moment
        self._record(
            RecordKind.FIRING, stamped.firing_id, stamped, state=(StatePut("firing", f"{spec.name}|{firing.symbol}", moment),)
        )
        self._dispatch(stamped)
        return True

    def _suppressed(self, spec: TriggerSpec, key: tuple[str, str], last: int | None, moment: int) -> str:
        if spec.warmup and self._seen.get(key, spec.warmup) < spec.warmup:
            return "warmup"
        if last is not None and moment - last < spec.cooldown:
            return "cooldown"
        return ""

    def _plan_next(self, agenda: Agenda, spec: TriggerSpec, after: int) -> None:
        try:
            moment = spec.trigger.next_time(after)  # type: ignore[union-attr]  # only time triggers come here
        except Exception as error:  # noqa: BLE001 - a trigger's fault is its own
            self._faults.report(f"trigger {spec.name}", error)
            self._disable(spec, "it could not say when to fire next")
            return
        if moment is not None:
            agenda.at(max(moment, after + 1), lambda due: self._on_time(agenda, spec, due))

    def _on_time(self, agenda: Agenda, spec: TriggerSpec, due: int) -> None:
        if spec.name not in self._specs:
            return
        self._take(spec, Firing(reason="scheduled"), due)
        self._plan_next(agenda, spec, due)

    def _fault(self, spec: TriggerSpec, error: Exception) -> None:
        if self._faults.report(f"trigger {spec.name}", error) >= DISABLE_AFTER:
            self._disable(spec, f"raised {DISABLE_AFTER} times")

    def _disable(self, spec: TriggerSpec, why: str) -> None:
        if self._specs.pop(spec.name, None) is None:
            return
        self._event_specs = [other for other in self._event_specs if other is not spec]
        self.bound.clear()
        self._record(RecordKind.HEALTH, spec.name, {"state": "disabled", "why": why})
