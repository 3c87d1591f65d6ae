"""Looks at every part of a run, and says by stated rules how each is: the table of docs/operations.md."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ml4t.live.engine.child import ChildHealth, ChildState
from ml4t.live.engine.core import Core
from ml4t.live.engine.inbox import Inbox
from ml4t.live.engine.observers import CAPACITY as OBSERVER_CAPACITY
from ml4t.live.engine.observers import ObserverQueue
from ml4t.live.engine.parts import NamedFeed
from ml4t.live.engine.strategist import BACKLOG, ThreadedStrategist
from ml4t.live.health import Board, Condition, Level
from ml4t.live.health.window import Window
from ml4t.live.journal.backlog import CAPACITY as JOURNAL_CAPACITY
from ml4t.live.model import OrderState
from ml4t.live.times import NANOS

LAG_SECONDS = 0.5
"""A loop that turns so much later than it should is degraded."""

LATE_SECONDS = 60.0
"""Data that are so old when they arrive make their feed degraded."""

FAILING = 0.2
"""Share of requests, of late, that an agent may fail before it is degraded."""

SLOW = 0.5
"""Share of its time budget that an agent may take on average, of late, before it is degraded."""

RUNNING = frozenset({ChildState.READY, ChildState.STOPPED})


class Checkup:
    """The looks at one run. What counts is what happened since the run began, or within the last five minutes."""

    def __init__(self, inbox: Inbox, capacity: int, board: Board) -> None:
        self._inbox = inbox
        self._capacity = capacity
        self._board = board
        self._windows: dict[str, Window] = {}
        self._durable = (0, 0)

    def look(self, core: Core | None, children: Iterable[ChildHealth], lag: float, now: int) -> list[Condition]:
        """Return the conditions of all parts at `now` (nanoseconds UTC); `lag` is by how many seconds the loop was late."""
        flat_out = core is not None and core.recorded  # recorded data keep the loop as busy as it can be
        found = [self._loop(0.0 if flat_out else lag), self._queue(0 if flat_out else len(self._inbox))]
        found += [self._child(core, child, now) for child in children if not child.name.startswith("observer ")]
        if core is not None:
            found += [self._journal(core), self._trading(core)]
            found += self._strategy(core, now)
            found += self._checks(core, now)
            found += [self._trigger(core, spec.name, now) for spec in core.parts.triggers if spec.enabled]
            found += [self._agent(core, name, now) for name in core.forecasts.standing]
            found += [self._observer(queue, now) for queue in core.hub.queues]
        return found

    # ------------------------------------------------------------------ queues and threads

    @staticmethod
    def _loop(lag: float) -> Condition:
        numbers = {"lag_seconds": round(lag, 3)}
        if lag > LAG_SECONDS:
            return Condition("event loop", Level.DEGRADED, f"it turned {lag:.1f} s late", numbers, essential=True)
        return Condition("event loop", numbers=numbers, essential=True)

    def _queue(self, waiting: int) -> Condition:
        return _filling("inbox", "events wait to be processed", waiting, self._capacity, essential=True)

    def _journal(self, core: Core) -> Condition:
        journal = core.journal
        # On simulated time it is written now and then, by the loop itself.
        waiting, durable = 0 if core.clock.simulated else journal.last_seq - journal.durable_seq, journal.durable_seq
        before, self._durable = self._durable, (durable, waiting)
        numbers = {"waiting": float(waiting)}
        if journal.failure is not None:
            return Condition("journal", Level.DOWN, f"the disk refuses it: {journal.failure}", numbers, essential=True)
        if waiting and before[1] and durable == before[0]:
            why = "nothing has been committed since the last look"
            return Condition("journal", Level.DEGRADED, why, numbers, essential=True)
        return _filling("journal", "records wait for the disk", waiting, JOURNAL_CAPACITY, essential=True)

    # ------------------------------------------------------------------ lines to the outside

    def _child(self, core: Core | None, child: ChildHealth, now: int) -> Condition:
        if child.name == "broker":
            return self._venue(core, child, now)
        if child.name.startswith("feed "):
            return self._feed(core, child, now)
        if child.state in RUNNING:
            return Condition(child.name, essential=True)
        return Condition(child.name, self._board.away(child.name, now), _death(child), essential=True)

    def _venue(self, core: Core | None, child: ChildHealth, now: int) -> Condition:
        numbers = {"restarts": float(child.restarts)}
        if core is None or not core.connection.ready:
            why = core.connection.why if core is not None else _death(child)
            return Condition("venue", self._board.away("venue", now), why, numbers, essential=True)
        unknown = sum(order.state is OrderState.UNKNOWN for order in core.desk.orders.open_orders)
        if unknown:
            why = f"nobody knows what became of {unknown} orders; the venue is being asked"
            return Condition("venue", Level.DEGRADED, why, numbers, essential=True)
        return Condition("venue", numbers=numbers, essential=True)

    def _feed(self, core: Core | None, child: ChildHealth, now: int) -> Condition:
        numbers = {"restarts": float(child.restarts)}
        if child.state not in RUNNING or not child.at_work:
            return Condition(child.name, self._board.away(child.name, now), _death(child), numbers, essential=True)
        named = None if core is None else next((n for n in core.parts.feeds if f"feed {n.name}" == child.name), None)
        if core is None or named is None or core.recorded:  # recorded data are as old as they are
            return Condition(child.name, numbers=numbers, essential=True)
        return _freshness(core, named, numbers)

    # ------------------------------------------------------------------ what decides

    @staticmethod
    def _trading(core: Core) -> Condition:
        breached = core.losses.breached
        if core.switch.any_on:
            scopes = [core.switch.reason] if core.switch.on else [name for name, s in core.switch.scopes.items() if s.on]
            return Condition("trading", Level.DEGRADED, f"the kill switch is on: {', '.join(scopes)}")
        return Condition("trading", Level.DEGRADED, f"a loss limit is broken: {breached}") if breached else Condition("trading")

    def _strategy(self, core: Core, now: int) -> Iterator[Condition]:
        strategist = core.strategist
        if strategist is None:
            return
        numbers = {}
        if isinstance(strategist, ThreadedStrategist):
            numbers = {"waiting": float(strategist.waiting), "dropped": float(strategist.dropped)}
            if strategist.finished:
                yield Condition("strategy", Level.DOWN, "its thread has ended", numbers, essential=True)
                return
        raised = sum(count for name, count in core.faults.counts.items() if name.startswith("strategy "))
        lately = self._window("strategy").change((float(raised), numbers.get("dropped", 0.0)), now)
        why = ""
        if lately[0]:
            why = f"it has raised {lately[0]:.0f} exceptions of late"
        elif lately[1] or numbers.get("waiting", 0.0) > BACKLOG / 2:
            why = f"it is too slow: {numbers['waiting']:.0f} calls wait, {lately[1]:.0f} were dropped of late"
        yield Condition("strategy", Level.DEGRADED if why else Level.OK, why, numbers, essential=True)

    def _checks(self, core: Core, now: int) -> Iterator[Condition]:
        for name, count in core.desk.gate.faults.items():
            (lately,) = self._window(f"check {name}").change((float(count),), now)
            why = f"it could not judge {lately:.0f} orders of late, which were refused" if lately else ""
            yield Condition(f"check {name}", Level.DEGRADED if why else Level.OK, why, {"errors": float(count)})

    def _trigger(self, core: Core, name: str, now: int) -> Condition:
        part = f"trigger {name}"
        raised = core.faults.counts.get(part, 0)
        (lately,) = self._window(part).change((float(raised),), now)
        numbers = {"errors": float(raised)}
        if name not in core.triggers.asked:
            return Condition(part, Level.DOWN, "disabled, because it raised too often", numbers)
        why = f"it has raised {lately:.0f} exceptions of late" if lately else ""
        return Condition(part, Level.DEGRADED if why else Level.OK, why, numbers)

    def _agent(self, core: Core, name: str, now: int) -> Condition:
        standing, part = core.forecasts.standing[name], f"forecaster {name}"
        counts = (float(standing.answered), float(standing.failed), standing.seconds)
        answered, failed, seconds = self._window(part).change(counts, now)
        rate = failed / (answered + failed) if answered + failed else 0.0
        latency = seconds / answered if answered else 0.0
        numbers = {"error_rate": round(rate, 4), "latency_seconds": round(latency, 4), "running": float(standing.running)}
        if standing.disabled:
            return Condition(part, Level.DOWN, "disabled, because it failed too often in a row", numbers)
        budget = next(spec.budget_seconds for spec in core.parts.forecasters if spec.name == name)
        why = ""
        if rate > FAILING:
            why = f"{failed:.0f} of its {answered + failed:.0f} latest requests failed"
        elif latency > SLOW * budget:
            why = f"it takes {latency:.1f} s of its {budget:g} s"
        return Condition(part, Level.DEGRADED if why else Level.OK, why, numbers)

    def _observer(self, queue: ObserverQueue, now: int) -> Condition:
        part = f"observer {queue.name}"
        dropped, errors = self._window(part).change((float(queue.dropped), float(queue.errors)), now)
        numbers = {"waiting": float(queue.waiting), "dropped": float(queue.dropped), "errors": float(queue.errors)}
        why = ""
        if dropped or queue.waiting > OBSERVER_CAPACITY / 2:
            why = f"it is too slow: {queue.waiting} events wait, {dropped:.0f} were dropped of late"
        elif errors:
            why = f"it has raised {errors:.0f} exceptions of late"
        return Condition(part, Level.DEGRADED if why else Level.OK, why, numbers)

    def _window(self, part: str) -> Window:
        return self._windows.setdefault(part, Window())


def _freshness(core: Core, named: NamedFeed, numbers: dict[str, float]) -> Condition:
    """Return how a live feed that is connected delivers: from the symbols that are quiet, and the age of what comes."""
    part, symbols = f"feed {named.name}", list(named.feed.symbols)
    states = [state for symbol in symbols if (state := core.market.get(symbol)) is not None and state.seen_at]
    if states:
        latest = max(states, key=lambda state: state.seen_at)
        late = max(0.0, (latest.seen_at - latest.event_time) / NANOS)
        numbers |= {"age_seconds": round((core.clock.now() - latest.seen_at) / NANOS, 3), "late_seconds": round(late, 3)}
        if late > LATE_SECONDS:
            return Condition(part, Level.DEGRADED, f"its data are {late:.0f} s old when they arrive", numbers, essential=True)
    silence = core.parts.engine.silence_seconds * NANOS  # the list of quiet symbols is older than what has come since
    back = {state.symbol for state in states if core.clock.now() - state.seen_at <= silence}
    quiet = [symbol for symbol in core.liveness.quiet if symbol in symbols and symbol not in back]
    if quiet:
        return Condition(part, Level.DEGRADED, f"nothing is heard of {', '.join(quiet[:5])}", numbers, essential=True)
    return Condition(part, numbers=numbers, essential=True)


def _filling(part: str, what: str, count: int, capacity: int, *, essential: bool) -> Condition:
    """Return how a queue is: degraded when it is more than half full, down when it is full."""
    numbers = {"waiting": float(count)}
    if count <= capacity // 2:
        return Condition(part, numbers=numbers, essential=essential)
    level = Level.DOWN if count >= capacity else Level.DEGRADED
    return Condition(part, level, f"{count} {what}; it holds {capacity}", numbers, essential=essential)


def _death(child: ChildHealth) -> str:
    state = child.state.value if child.at_work else "being connected again"
    return f"{state}{f': {child.error!r}' if child.error is not None else ''}"
