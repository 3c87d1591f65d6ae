"""The time triggers of a run: fired at their moments, and what was missed is recorded, and fired late or not as configured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice

from ml4t.live.clock import Clock
from ml4t.live.contracts.trigger import TimeTrigger
from ml4t.live.engine.agenda import Agenda
from ml4t.live.engine.faults import Faults
from ml4t.live.engine.firings import FiringDesk, TriggerSpec, missed, stamp
from ml4t.live.journal import RecordKind, StatePut
from ml4t.live.model import Firing
from ml4t.live.orders.ports import Recorder
from ml4t.live.times import NANOS

LATE = 60 * NANOS
"""A firing so much later than its moment is a missed one: the machine slept, or nobody ran."""

CAUGHT_UP = 100
"""Missed firings that `catch_up = "all"` fires at most; and moments that are counted at once are this times as many."""

BUCKET = "timetable"

SCHEDULED = Firing("scheduled")


class Timetable:
    """Plans every time trigger, one moment ahead, and keeps in the journal up to which moment each has been dealt with.

    On recorded data (no `clock`) every moment comes in its turn. Live a moment is missed when nobody ran, when it is more than
    `LATE` ago, or when the next one of the same trigger is due as well.
    """

    def __init__(
        self,
        specs: Sequence[TriggerSpec],
        desk: FiringDesk,
        agenda: Agenda,
        record: Recorder,
        faults: Faults,
        disable: Callable[[TriggerSpec, str], None],
        clock: Clock | None,
        put: Callable[[str, str, object], None],
    ) -> None:
        self._specs = [spec for spec in specs if isinstance(spec.trigger, TimeTrigger)]
        self._desk = desk
        self._agenda = agenda
        self._record = record
        self._faults = faults
        self._disable = disable
        self._clock = clock
        self._put = put
        self._dealt: dict[str, int] = {}
        self._recalled: dict[str, int | None] = {}

    def restore(self, dealt: Mapping[str, int]) -> None:
        """Take back up to which moment each trigger was dealt with."""
        self._dealt = dict(dealt)

    def begin(self, now: int) -> None:
        """Deal with the moments from `now` on, but for triggers of an earlier run: with those since it ended."""
        for spec in self._specs:
            if spec.name not in self._dealt:
                self._dealt[spec.name] = now - 1
                self._put(BUCKET, spec.name, now - 1)

    def plan(self, after: int) -> None:
        """Enter every trigger with its first moment later than `after` (nanoseconds UTC); what was missed comes first."""
        for spec in list(self._specs):
            dealt = self._dealt.get(spec.name)
            if self._clock is None or dealt is None:
                self._plan_next(spec, after)
            else:
                self._catch_up(spec, self._moments(spec, dealt, after), after, "nobody ran, or no data came")

    def recall(self, moment: int) -> None:
        """Let the triggers that a compound listens to go off in the past, up to `moment`."""
        for spec in self._specs:
            if not self._desk.has_listeners(spec.name):
                continue
            if spec.name not in self._recalled:
                self._recalled[spec.name] = self._next(spec, moment - 1)
            while (due := self._recalled[spec.name]) is not None and due <= moment:
                self._desk.recall(spec, SCHEDULED, due)
                self._recalled[spec.name] = self._next(spec, due)

    def drop(self, spec: TriggerSpec) -> None:
        """Ask a trigger no more."""
        self._specs = [other for other in self._specs if other is not spec]

    def _on_time(self, spec: TriggerSpec, due: int) -> None:
        if spec not in self._specs:
            return
        if self._clock is None:
            self._desk.take(spec, SCHEDULED, due)
            self._plan_next(spec, due)
            return
        now = self._clock.now()
        moments = self._moments(spec, due - 1, now)
        if len(moments) > 1 or now - due > LATE:
            self._catch_up(spec, moments, max(now, due), "the machine slept, or the loop was blocked")
        else:
            self._desk.take(spec, SCHEDULED, due, state=self._dealt_with(spec, due))
            self._plan_next(spec, due)

    def _catch_up(self, spec: TriggerSpec, moments: Sequence[int], now: int, why: str) -> None:
        """Deal with moments of the past, oldest first: the last one may still be in time, the others were missed."""
        in_time = moments[-1:] if moments and now - moments[-1] <= LATE else []
        late = moments[: len(moments) - len(in_time)]
        fired = _caught_up(spec, late, in_time)
        if late:
            body = missed(spec, [stamp(spec, SCHEDULED, moment) for moment in late], why, caught_up=len(fired))
            self._record(RecordKind.MISSED, spec.name, body, state=self._dealt_with(spec, now))
        for moment in (*fired, *in_time):
            seconds = (now - moment) / NANOS
            late_firing = Firing(f"scheduled, {seconds:.0f} s late", values={"late_seconds": seconds})
            self._desk.take(spec, late_firing if moment in fired else SCHEDULED, moment, state=self._dealt_with(spec, now))
        self._plan_next(spec, max(now, moments[-1] if moments else now))

    def _dealt_with(self, spec: TriggerSpec, moment: int) -> list[StatePut]:
        return [StatePut(BUCKET, spec.name, moment)]

    def _moments(self, spec: TriggerSpec, after: int, until: int) -> list[int]:
        """Return the moments of a trigger in (after, until], the first ones when there are very many."""

        def walk() -> Iterator[int]:
            moment = self._next(spec, after)
            while moment is not None and moment <= until:
                yield moment
                moment = self._next(spec, moment)

        return list(islice(walk(), CAUGHT_UP * CAUGHT_UP))

    def _plan_next(self, spec: TriggerSpec, after: int) -> None:
        moment = self._next(spec, after)
        if moment is not None:
            self._agenda.at(moment, partial(self._on_time, spec))
        elif spec in self._specs:
            self._record(RecordKind.HEALTH, spec.name, {"state": "ended", "why": "it knows of no further moment"})

    def _next(self, spec: TriggerSpec, after: int) -> int | None:
        try:
            moment = spec.trigger.next_time(after)  # type: ignore[union-attr]  # only time triggers come here
        except Exception as error:  # noqa: BLE001 - a trigger's fault is its own
            self._faults.report(f"trigger {spec.name}", error)
            self._disable(spec, "it could not say when to fire next")
            return None
        return None if moment is None else max(moment, after + 1)


def _caught_up(spec: TriggerSpec, late: Sequence[int], in_time: Sequence[int]) -> Sequence[int]:
    """Return which of the missed moments are fired after all: with "once", none when the latest moment is in time."""
    if spec.catch_up == "all":
        return late[-CAUGHT_UP:]
    return late[-1:] if spec.catch_up == "once" and not in_time else []
