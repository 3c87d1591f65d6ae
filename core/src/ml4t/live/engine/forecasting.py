"""Forecasters at work: asked when a trigger fires, within a budget, and isolated from everything else."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from ml4t.live.clock import Clock
from ml4t.live.contracts.forecaster import Forecaster, ForecastRequest, OrderIntent, StatefulForecaster
from ml4t.live.engine.answer import Answer, answer_of
from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.faults import Faults
from ml4t.live.engine.memories import BUCKET as MEMORIES
from ml4t.live.engine.memories import Memories
from ml4t.live.engine.offload import in_thread
from ml4t.live.engine.processes import ModelProcess, RemoteFault
from ml4t.live.engine.standing import CONCURRENT, DISABLE_AFTER, Standing
from ml4t.live.engine.unanswered import unanswered
from ml4t.live.engine.weights import BUCKET as WEIGHTS
from ml4t.live.engine.weights import Weights
from ml4t.live.journal import RecordKind
from ml4t.live.journal.queries import Queries
from ml4t.live.ledger import ForecastLedger
from ml4t.live.ledger.inputs import digests
from ml4t.live.ledger.latest import Issued
from ml4t.live.ledger.past import PastScores
from ml4t.live.market import MarketState
from ml4t.live.model import Firing, HorizonIn
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.orders.ports import Recorder
from ml4t.live.times import NANOS

AT_ONCE = 8
"""Threads and processes that compute at one time, of all forecasters; the others wait, and that is not held against them."""

START_SECONDS = 60.0
"""How long a forecaster's process may take until it has its model."""


@attrs.define
class ForecasterSpec:
    """A forecaster and what the engine does for it.

    The triggers in `on` ask it, about `symbols` (empty: the firing's, or all known), `horizon` nanoseconds ahead as
    `horizon_in` counts them, and it answers within `budget_seconds`; with `process`, in a process of its own. A `weight` that
    is given holds whatever critics say.
    """

    name: str
    forecaster: Forecaster
    on: frozenset[str]
    horizon: int = 3_600 * NANOS
    symbols: tuple[str, ...] = ()
    budget_seconds: float = 30.0
    horizon_in: HorizonIn = HorizonIn.TIME
    process: bool = False
    weight: float | None = None


@attrs.frozen
class _Question:
    """One request on its way, and what was known when it was made."""

    spec: ForecasterSpec
    request: ForecastRequest
    inputs: Mapping[str, str]
    began: int

    @property
    def cause(self) -> str:
        """The id of the firing that asks."""
        firing = self.request.firing
        return firing.firing_id if firing is not None else ""


class ForecastDesk:
    """Asks forecasters, hands what they say to the ledger, and the orders that they want to the broker.

    On simulated time a plain `forecast` is called where it stands, because a thread runs on the machine's time. On recorded
    data the next event waits for the answer, so that it is stored before any later data is applied, and answers are stored
    in the order of asking, so that a replay does not depend on who thinks faster.
    """

    def __init__(
        self,
        specs: Sequence[ForecasterSpec],
        *,
        market: MarketState,
        ledger: ForecastLedger,
        broker: Callable[[str], DeskBroker],
        clock: Clock,
        record: Recorder,
        remember: Callable[[str, str, object], None],
        faults: Faults,
        together: Callable[[], contextlib.AbstractContextManager[None]],
        barrier: Barrier | None,
        live_mode: bool,
    ) -> None:
        self._specs = specs
        self._by_trigger: dict[str, list[ForecasterSpec]] = {}
        for spec in specs:
            for trigger in spec.on:
                self._by_trigger.setdefault(trigger, []).append(spec)
        self._standing = {spec.name: Standing() for spec in specs}
        self._brokers = {spec.name: broker(spec.name) for spec in specs}
        self.weights = Weights({spec.name: spec.weight for spec in specs}, record)
        off_loop = not clock.simulated or barrier is not None
        self._processes = {s.name: ModelProcess(s.name, s.forecaster, market) for s in specs if s.process and off_loop}
        here = {s.name: s.forecaster for s in specs if s.name not in self._processes}
        stateful = {name: each for name, each in here.items() if isinstance(each, StatefulForecaster)}
        self._memories = Memories(stateful, remember, faults)
        self._places = asyncio.Semaphore(AT_ONCE)
        self._market = market
        self._ledger = ledger
        self._clock = clock
        self._record = record
        self._faults = faults
        self._together = together
        self._barrier = barrier
        self._live_mode = live_mode
        self._tasks: set[asyncio.Task[None]] = set()
        self._latest: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def standing(self) -> Mapping[str, Standing]:
        """How each forecaster has behaved in this run."""
        return MappingProxyType(self._standing)

    def restore(self, journal: Queries, after: int | None) -> None:
        """Take back the weights, and what forecasters remember; record what an earlier process never got an answer to.

        `after` is the moment up to which recorded data have been processed, None when there are none. Those are read again,
        and what was asked is asked again; live the moment is over.
        """
        self.weights.restore(journal.state(WEIGHTS))
        self._memories.restore(journal.state(MEMORIES), after)
        if self._live_mode:
            names = {trigger: [spec.name for spec in specs] for trigger, specs in self._by_trigger.items()}
            for name, firing_id in unanswered(journal, names, self._longest):
                self._decline(name, firing_id, "the process ended before it answered")

    def on_firing(self, firing: Firing) -> None:
        """Ask everybody who waits for this trigger."""
        for spec in self._by_trigger.get(firing.trigger, ()):
            self._ask(spec, firing)

    async def close(self) -> None:
        """Cancel what is still running, and end the processes."""
        self._closing = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for process in self._processes.values():
            await process.close()

    @property
    def _longest(self) -> int:
        """The longest that an answer may take (nanoseconds), with the wait for a place to compute in."""
        budget = max((spec.budget_seconds for spec in self._specs), default=0.0)
        return round((CONCURRENT * len(self._specs) // AT_ONCE + 2) * budget * NANOS)

    # ------------------------------------------------------------------ asking

    def _ask(self, spec: ForecasterSpec, firing: Firing) -> None:
        standing = self._standing[spec.name]
        symbols = self._symbols(spec, firing)
        why_not = self.weights.why_not(spec.name, firing.time) or standing.why_not(self._clock.now())
        if why_not or not symbols:
            self._decline(spec.name, firing.firing_id, why_not or "no price has been seen for any of its symbols")
            return
        standing.asked += 1
        question = self._question(spec, firing, symbols)
        coroutine = inspect.iscoroutinefunction(spec.forecaster.forecast)
        if coroutine or spec.name in self._processes or not self._clock.simulated:
            self._start(question, self._answer(question))
        else:
            self._inline(question)

    def _decline(self, name: str, firing_id: str, why: str) -> None:
        self._standing[name].declined += 1
        self._record(RecordKind.DECLINED, name, {"firing": firing_id, "why": why})

    def _question(self, spec: ForecasterSpec, firing: Firing, symbols: tuple[str, ...]) -> _Question:
        broker = self._brokers[spec.name]
        request = ForecastRequest(
            symbols=symbols,
            horizon=spec.horizon,
            time=firing.time,
            market=self._market,
            firing=firing,
            live_mode=self._live_mode,
            model=spec.name,
            horizon_in=spec.horizon_in,
            positions=broker.positions,
            cash=broker.get_cash(),
            equity=broker.get_account_value(),
            scores=PastScores(self._ledger.board),
            weights=self.weights.at(firing.time),
            forecasts=Issued(self._ledger.latest, firing.time),
            orders=broker.pending_orders,
        )
        return _Question(spec, request, digests(self._market, symbols), self._clock.stopwatch())

    def _symbols(self, spec: ForecasterSpec, firing: Firing) -> tuple[str, ...]:
        wanted = spec.symbols or ((firing.symbol,) if firing.symbol else tuple(self._market.symbols))
        return tuple(symbol for symbol in wanted if self._market.price(symbol) is not None)

    def _inline(self, question: _Question) -> None:
        try:
            answer = question.spec.forecaster.forecast(question.request)
            if inspect.isawaitable(answer):
                self._start(question, self._awaited(question.spec, answer))
                return
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a forecaster's fault is its own
            self._failed(question, error)
        else:
            self._settle(question, answer, None)

    def _start(self, question: _Question, answer: Coroutine[Any, Any, Any]) -> None:
        spec = question.spec
        self._standing[spec.name].running += 1
        if self._barrier is not None:
            self._barrier.enter()
        before = self._latest if self._barrier is not None else None
        work = self._run(question, answer, before)
        task = self._latest = asyncio.get_running_loop().create_task(work, name=f"forecaster {spec.name}")
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._done(task, question, answer))

    async def _awaited(self, spec: ForecasterSpec, answer: Awaitable[Any]) -> Any:
        async with self._clock.timeout(spec.budget_seconds):
            return await answer

    async def _answer(self, question: _Question) -> Any:
        spec, request = question.spec, question.request
        forecast: Callable[[ForecastRequest], Any] = spec.forecaster.forecast
        if inspect.iscoroutinefunction(forecast) and spec.name not in self._processes:
            return await self._awaited(spec, forecast(request))
        async with self._places:
            if spec.name in self._processes:
                await self._begun(spec.name)
            async with self._clock.timeout(spec.budget_seconds):
                if spec.name in self._processes:
                    return await self._processes[spec.name].ask(request)
                answer = await self._in_thread(spec, request)
                return await answer if inspect.isawaitable(answer) else answer

    async def _begun(self, name: str) -> None:
        """Wait until a forecaster's process has its model: what that takes is not held against it."""
        try:
            async with self._clock.timeout(START_SECONDS):
                await self._processes[name].ready()
        except TimeoutError:
            raise RemoteFault(f"the process of {name} has not started within {START_SECONDS:g} s") from None

    async def _in_thread(self, spec: ForecasterSpec, request: ForecastRequest) -> Any:
        """Call a plain forecaster on a thread; one that outlasts its budget counts until it comes back."""
        standing, loop = self._standing[spec.name], asyncio.get_running_loop()
        abandoned = False

        def came_back() -> None:
            standing.stuck -= abandoned

        def work(request: ForecastRequest) -> Any:
            try:
                return spec.forecaster.forecast(request)
            finally:
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody counts any more
                    loop.call_soon_threadsafe(came_back)

        try:
            return await in_thread(f"forecaster {spec.name}", work, request)
        except asyncio.CancelledError:
            abandoned = True
            standing.stuck += 1
            raise

    # ------------------------------------------------------------------ answers

    async def _run(self, question: _Question, answer: Coroutine[Any, Any, Any], before: asyncio.Task[None] | None) -> None:
        given: Any = None
        failure: BaseException | None = None
        try:
            given = await answer
        except TimeoutError as error:
            failure = TimeoutError(str(error) or f"took longer than its {question.spec.budget_seconds:g} s")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a forecaster's fault is its own
            failure = error
        if before is not None:
            await asyncio.wait({before})
        self._settle(question, given, failure)

    def _settle(self, question: _Question, given: Any, failure: BaseException | None) -> None:
        try:
            if failure is None:
                with self._together():  # half an answer would look like a whole one after a crash
                    self._take(question, answer_of(given))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what it answered cannot be used
            failure = error
        if failure is not None:
            self._failed(question, failure)
        else:
            self._standing[question.spec.name].answer((self._clock.stopwatch() - question.began) / NANOS)

    def _done(self, task: asyncio.Task[None], question: _Question, answer: Coroutine[Any, Any, Any]) -> None:
        self._tasks.discard(task)
        self._standing[question.spec.name].running -= 1
        answer.close()  # it never began when the task was cancelled at once
        if task.cancelled() and not self._closing:
            self._failed(question, RuntimeError("its request was cancelled by something else than the engine"))
        elif task.cancelled() and self._live_mode:
            self._decline(question.spec.name, question.cause, "the run ended before it answered")
        if self._barrier is not None:
            self._barrier.leave()

    def _take(self, question: _Question, answer: Answer) -> None:
        spec, request = question.spec, question.request
        self.weights.check(answer.weights, spec.name)
        # Live, a model that thought for a while speaks of the market it answers in; recorded data did not move on.
        now = self._clock.now() if self._live_mode else request.time
        self._ledger.issue(
            answer.forecasts,
            model=spec.name,
            version=str(getattr(spec.forecaster, "version", "")),
            cause=question.cause,
            now=now,
            horizon_in=spec.horizon_in,
            inputs=question.inputs,
        )
        self._send(question, answer.orders, now)
        self.weights.apply(answer.weights, by=spec.name, cause=question.cause, time=now)
        self._memories.note(spec.name, request.time)
        spoken_of = {forecast.symbol for forecast in answer.forecasts} | {order.symbol for order in answer.orders}
        silent = sorted(set(request.symbols) - spoken_of)
        if silent and not answer.weights:
            body = {"firing": question.cause, "why": "no forecast given", "symbols": silent}
            self._record(RecordKind.DECLINED, spec.name, body)

    def _send(self, question: _Question, orders: list[OrderIntent], now: int) -> None:
        """Submit what an agent wants, under a key that the same firing gives it again after a crash."""
        if not orders:
            return
        broker = self._brokers[question.spec.name]
        broker.decide(now)
        broker.cause = question.cause
        for number, intent in enumerate(orders):
            said = attrs.asdict(intent)
            broker.submit_order(said.pop("symbol"), **said, idempotency_key=f"{question.cause or now}|{number}")
        broker.cause = ""

    def _failed(self, question: _Question, error: BaseException) -> None:
        name = question.spec.name
        self._faults.report(f"forecaster {name}", error, firing=question.cause)
        if self._standing[name].fail(self._clock.now()):
            self._record(RecordKind.HEALTH, name, {"state": "disabled", "why": f"failed {DISABLE_AFTER} times in a row"})
