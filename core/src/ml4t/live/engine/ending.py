"""The end of a run: the strategy says goodbye, the requests under way finish, and the observers hear the rest."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from ml4t.live.clock import DataClock, SystemClock
from ml4t.live.engine.core import Core
from ml4t.live.engine.strategist import ThreadedStrategist
from ml4t.live.engine.supervisor import Supervisor
from ml4t.live.journal import RecordKind

_log = structlog.get_logger("ml4t.live")


async def wind_down(core: Core, broker: Supervisor | None, why: Callable[[], str], seconds: float) -> None:
    """End everything that still works once no more data come, waiting `seconds` at most for each part."""
    await core.forecasts.close()
    strategist = core.strategist
    if strategist is not None:
        strategist.on_end()
    if isinstance(strategist, ThreadedStrategist):
        await _until(lambda: strategist.finished, core, seconds)
    if broker is not None:
        await broker.stop(seconds)
    core.save()
    core.record(RecordKind.RUN, core.parts.name, {"ended": True, "why": why()})
    core.hub.close()
    if core.hub.queues:
        await _until(lambda: all(queue.finished for queue in core.hub.queues), core, seconds)


async def _until(condition: Callable[[], bool], core: Core, seconds: float) -> None:
    waiting = SystemClock() if isinstance(core.clock, DataClock) else core.clock
    for _ in range(round(seconds * 100)):
        if condition():
            return
        await waiting.sleep(0.01)
    _log.error("a strategy or an observer does not return; the run ends without it", waited_seconds=seconds)
