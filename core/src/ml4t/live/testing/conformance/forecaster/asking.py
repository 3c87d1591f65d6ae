"""Asking a forecaster as the engine does: a coroutine on the loop, a plain function on a thread."""

from __future__ import annotations

import inspect
from typing import Any

from ml4t.live.contracts.forecaster import Forecaster, ForecastRequest, StatefulForecaster
from ml4t.live.engine.answer import Answer, answer_of
from ml4t.live.engine.offload import in_thread
from ml4t.live.testing.conformance.forecaster.rig import ForecasterRig
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.waiting import within


def is_coroutine(rig: ForecasterRig) -> str:
    """Tell whether it answers on the loop."""
    on_loop = inspect.iscoroutinefunction(rig.forecaster().forecast)
    return "" if on_loop else "it is a plain function, which the engine calls on a thread of its own"


def is_stateful(rig: ForecasterRig) -> str:
    """Tell whether it says what it remembers."""
    return "" if isinstance(rig.forecaster(), StatefulForecaster) else "it has no `state`"


async def ask(rig: ForecasterRig, forecaster: Forecaster, request: ForecastRequest) -> Answer:
    """Return an answer. Raises NotConformant for one that comes late, for an exception, and for one that is none."""
    try:
        given = await within(_given(forecaster, request), "an answer", rig.budget_seconds)
        return answer_of(given)
    except NotConformant:
        raise
    except Exception as error:
        raise NotConformant(f"asked for {', '.join(request.symbols)} it raises {type(error).__name__}: {error}") from error


async def answers(rig: ForecasterRig, forecaster: Forecaster, horizon: int) -> list[tuple[ForecastRequest, Answer]]:
    """Return what it answers while the market goes on, with the requests."""
    return [(request, await ask(rig, forecaster, request)) for request in rig.requests(forecaster, horizon)]


async def _given(forecaster: Forecaster, request: ForecastRequest) -> Any:
    if inspect.iscoroutinefunction(forecaster.forecast):
        return await forecaster.forecast(request)
    given = await in_thread("a forecaster that is tried", forecaster.forecast, request)
    return await given if inspect.isawaitable(given) else given
