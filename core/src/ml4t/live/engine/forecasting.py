"""Forecasters at work: asked when a trigger fires, within a budget, and isolated from everything else."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import attrs

from ml4t.live.clock import Clock
from ml4t.live.contracts.forecaster import Forecaster, ForecastRequest
from ml4t.live.contracts.market import MarketView
from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.faults import Faults
from ml4t.live.engine.offload import in_thread
from ml4t.live.engine.standing import DISABLE_AFTER, Standing
from ml4t.live.journal import RecordKind
from ml4t.live.ledger import ForecastLedger
from ml4t.live.model import Firing, Forecast
from ml4t.live.orders.ports import Recorder
from ml4t.live.times import NANOS


@attrs.define
class ForecasterSpec:
    """A forecaster and what the engine does for it.

    The triggers in `on` ask it, about `symbols` (empty: the firing's, or all known), `horizon` nanoseconds ahead, and it
    answers within `budget_seconds`.
    """

    name: str
    forecaster: Forecaster
    on: frozenset[str]
    horizon: int = 3_600 * NANOS
    symbols: tuple[str, ...] = ()
    budget_seconds: float = 30.0


class ForecastDesk:
    """Asks forecasters and hands what they say to the ledger.

    On simulated time a plain `forecast` is called where it stands, because a thread runs on the machine's time. On recorded
    data the next event waits for the answer, so that it is stored before any later data is applied, and answers are stored
    in the order of asking, so that a replay does not depend on who thinks faster.
    """

    def __init__(
        self,
        specs: Sequence[ForecasterSpec],
        *,
        market: MarketView,
        ledger: ForecastLedger,
        clock: Clock,
        record: Recorder,
        faults: Faults,
        barrier: Barrier | None,
        live_mode: bool,
    ) -> None:
        self._by_trigger: dict[str, list[ForecasterSpec]] = {}
        for spec in specs:
            for trigger in spec.on:
                self._by_trigger.setdefault(trigger, []).append(spec)
        self._standing = {spec.name: Standing() for spec in specs}
        self._market = market
        self._ledger = ledger
        self._clock = clock
        self._record = record
        self._faults = faults
        self._barrier = barrier
        self._live_mode = live_mode
        self._tasks: set[asyncio.Task[None]] = set()
        self._latest: asyncio.Task[None] | None = None
        self._closing = False

    @property
    def standing(self) -> Mapping[str, Standing]:
        """How each forecaster has behaved in this run."""
        return MappingProxyType(self._standing)

    def on_firing(self, firing: Firing) -> None:
        """Ask everybody who waits for this trigger."""
        for spec in self._by_trigger.get(firing.trigger, ()):
            self._ask(spec, firing)

    async def close(self) -> None:
        """Cancel what is still running."""
        self._closing = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ask(self, spec: ForecasterSpec, firing: Firing) -> None:
        standing = self._standing[spec.name]
        symbols = self._symbols(spec, firing)
        why_not = standing.why_not(self._clock.now())
        if why_not or not symbols:
            standing.declined += 1
            why_not = why_not or "no price has been seen for any of its symbols"
            self._record(RecordKind.DECLINED, spec.name, {"firing": firing.firing_id, "why": why_not})
            return
        standing.asked += 1
        request = ForecastRequest(symbols, spec.horizon, firing.time, self._market, firing, self._live_mode)
        if inspect.iscoroutinefunction(spec.forecaster.forecast) or not self._clock.simulated:
            self._start(spec, request, self._answer(spec, request))
        else:
            self._inline(spec, request)

    def _symbols(self, spec: ForecasterSpec, firing: Firing) -> tuple[str, ...]:
        wanted = spec.symbols or ((firing.symbol,) if firing.symbol else tuple(self._market.symbols))
        return tuple(symbol for symbol in wanted if self._market.price(symbol) is not None)

    def _inline(self, spec: ForecasterSpec, request: ForecastRequest) -> None:
        try:
            answer = spec.forecaster.forecast(request)
            if inspect.isawaitable(answer):
                self._start(spec, request, _awaited(answer))
                return
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a forecaster's fault is its own
            self._failed(spec, error)
        else:
            self._settle(spec, request, answer, None, self._clock.stopwatch())

    def _start(self, spec: ForecasterSpec, request: ForecastRequest, answer: Coroutine[Any, Any, Any]) -> None:
        self._standing[spec.name].running += 1
        if self._barrier is not None:
            self._barrier.enter()
        before = self._latest if self._barrier is not None else None
        work = self._run(spec, request, answer, before)
        task = self._latest = asyncio.get_running_loop().create_task(work, name=f"forecaster {spec.name}")
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._done(task, spec, answer))

    async def _answer(self, spec: ForecasterSpec, request: ForecastRequest) -> Any:
        forecast: Callable[[ForecastRequest], Any] = spec.forecaster.forecast
        if inspect.iscoroutinefunction(forecast):
            return await forecast(request)
        answer = await in_thread(f"forecaster {spec.name}", forecast, request)
        return await answer if inspect.isawaitable(answer) else answer

    async def _run(
        self,
        spec: ForecasterSpec,
        request: ForecastRequest,
        answer: Coroutine[Any, Any, Any],
        before: asyncio.Task[None] | None,
    ) -> None:
        given: Any = None
        failure: BaseException | None = None
        began = self._clock.stopwatch()
        try:
            async with self._clock.timeout(spec.budget_seconds):
                given = await answer
        except TimeoutError as error:
            failure = TimeoutError(str(error) or f"took longer than its {spec.budget_seconds:g} s")
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a forecaster's fault is its own
            failure = error
        if before is not None:
            await asyncio.wait({before})
        self._settle(spec, request, given, failure, began)

    def _settle(
        self, spec: ForecasterSpec, request: ForecastRequest, given: Any, failure: BaseException | None, began: int
    ) -> None:
        try:
            if failure is None:
                self._issue(spec, request, given)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - what it answered cannot be used
            failure = error
        if failure is not None:
            self._failed(spec, failure)
        else:
            self._standing[spec.name].answer((self._clock.stopwatch() - began) / NANOS)

    def _done(self, task: asyncio.Task[None], spec: ForecasterSpec, answer: Coroutine[Any, Any, Any]) -> None:
        self._tasks.discard(task)
        self._standing[spec.name].running -= 1
        answer.close()  # it never began when the task was cancelled at once
        if task.cancelled() and not self._closing:
            self._failed(spec, RuntimeError("its request was cancelled by something else than the engine"))
        if self._barrier is not None:
            self._barrier.leave()

    def _issue(self, spec: ForecasterSpec, request: ForecastRequest, answer: Any) -> None:
        forecasts = _as_list(answer)
        firing = request.firing
        cause = firing.firing_id if firing is not None else ""
        version = str(getattr(spec.forecaster, "version", ""))
        # Live, a model that thought for a while speaks of the market it answers in; recorded data did not move on.
        now = self._clock.now() if self._live_mode else request.time
        self._ledger.issue(forecasts, model=spec.name, version=version, cause=cause, now=now)
        silent = sorted(set(request.symbols) - {forecast.symbol for forecast in forecasts})
        if silent:
            self._record(RecordKind.DECLINED, spec.name, {"firing": cause, "why": "no forecast given", "symbols": silent})

    def _failed(self, spec: ForecasterSpec, error: BaseException) -> None:
        self._faults.report(f"forecaster {spec.name}", error)
        if self._standing[spec.name].fail(self._clock.now()):
            self._record(RecordKind.HEALTH, spec.name, {"state": "disabled", "why": f"failed {DISABLE_AFTER} times in a row"})


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer


def _as_list(answer: Any) -> list[Forecast]:
    if answer is None:
        return []
    answers = [answer] if isinstance(answer, Forecast) else list(answer)
    for forecast in answers:
        if not isinstance(forecast, Forecast):
            raise TypeError(f"{forecast!r} is not a Forecast; return a Forecast, a list of them, or None")
    return answers
