"""The event triggers of one symbol: asked about every event, in the order written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from ml4t.live.contracts.market import MarketView
from ml4t.live.contracts.trigger import StatefulTrigger
from ml4t.live.engine.firings import FiringDesk, TriggerSpec
from ml4t.live.journal import StatePut
from ml4t.live.model import Bar, Firing, MarketEvent

OnEvent = Callable[[MarketEvent, MarketView], Firing | None]


class Watch:
    """Asks the triggers of a symbol, and keeps count of its events for their warm-up.

    `memories` is what an earlier process has saved, by trigger: events up to then are not shown again.
    """

    __slots__ = ("_asked", "_desk", "_fault", "_known", "_market", "_memories", "_specs", "changed", "moment", "seen", "symbol")

    def __init__(
        self,
        symbol: str,
        specs: Sequence[TriggerSpec],
        market: MarketView,
        desk: FiringDesk,
        fault: Callable[[TriggerSpec, Exception], None],
        memories: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.symbol = symbol
        self._known = max((memory["at"] for memory in memories.values()), default=-1)
        self.seen = 0
        """How many events there have been."""
        self.moment = 0
        self.changed = False
        """True when there have been events since the memory was saved."""
        self._specs = specs
        self._market = market
        self._desk = desk
        self._fault = fault
        self._memories = dict(memories)
        self._asked: tuple[tuple[TriggerSpec, OnEvent], ...] = tuple((spec, self._way_in(spec)) for spec in specs)

    def ask(self, event: MarketEvent, moment: int) -> None:
        """Show an event to every trigger; what fires, happens."""
        self.seen += 1
        self.moment = moment
        self.changed = True
        market = self._market
        for spec, on_event in self._asked:
            try:
                firing = on_event(event, market)
            except Exception as error:  # noqa: BLE001 - a trigger's fault is its own
                self._fault(spec, error)
                continue
            if firing is not None:
                self._desk.take(spec, self._named(firing), moment, warm=self.seen >= spec.warmup, state=self._memory(spec))

    def recall(self, event: MarketEvent, moment: int, market: MarketView) -> list[tuple[TriggerSpec, Firing]]:
        """Show an event of the past; return what would have happened of those triggers that an earlier process ran."""
        self.seen += moment > self._known
        self.moment = moment
        self.changed = True
        happened: list[tuple[TriggerSpec, Firing]] = []
        for spec, on_event in self._asked:
            try:
                firing = on_event(event, market)
            except Exception as error:  # noqa: BLE001 - a trigger's fault is its own
                self._fault(spec, error)
                continue
            if firing is None:
                continue
            recalled = self._desk.recall(spec, self._named(firing), moment, warm=self.seen >= spec.warmup)
            if spec.name in self._memories:
                happened += recalled
        return happened

    def drop(self, spec: TriggerSpec) -> None:
        """Ask a trigger no more."""
        self._specs = [each for each in self._specs if each is not spec]
        self._asked = tuple(each for each in self._asked if each[0] is not spec)

    def memory(self) -> list[StatePut]:
        """Return what the triggers remember, for the journal."""
        self.changed = False
        return [put for spec in self._specs for put in self._memory(spec)]

    def _memory(self, spec: TriggerSpec) -> list[StatePut]:
        return self._desk.memory(spec, self.symbol, at=self.moment, seen=self.seen)

    def _named(self, firing: Firing) -> Firing:
        return firing if firing.symbol else Firing(firing.reason, self.symbol, firing.values)

    def _way_in(self, spec: TriggerSpec) -> OnEvent:
        """Return how to ask a trigger: past a guard when it has seen the first events before."""
        memory = self._memories.get(spec.name)
        on_event: OnEvent = spec.trigger.on_event  # type: ignore[union-attr]  # only event triggers come here
        if memory is None:
            return on_event
        self.seen = max(self.seen, memory["seen"])
        if memory["state"] is not None and isinstance(spec.trigger, StatefulTrigger):
            spec.trigger.restore(self.symbol, memory["state"])
        return partial(self._past, spec, memory["at"])

    def _past(self, spec: TriggerSpec, at: int, event: MarketEvent, market: MarketView) -> Firing | None:
        """Show only what is later than `at`; the first of it takes the guard away."""
        if known_at(event) <= at:
            return None
        on_event: OnEvent = spec.trigger.on_event  # type: ignore[union-attr]  # only event triggers come here
        self._asked = tuple((each, on_event if each is spec else ask) for each, ask in self._asked)
        return on_event(event, market)


def known_at(event: MarketEvent) -> int:
    """Return the moment at which an event is known: a bar's is its end."""
    return event.end_time if isinstance(event, Bar) else event.event_time
