"""Does what is due on a clock that runs by itself, and watches that the loop still turns."""

from __future__ import annotations

import asyncio

import structlog

from ml4t.live.clock import SystemClock
from ml4t.live.engine.agenda import NEVER
from ml4t.live.engine.core import Core
from ml4t.live.engine.watchdog import Blocked, Watchdog
from ml4t.live.journal import RecordKind
from ml4t.live.times import NANOS

_log = structlog.get_logger("ml4t.live")


async def keep_time(core: Core) -> None:
    """Run the agenda of `core` on its clock until cancelled."""
    earlier = asyncio.Event()
    core.agenda.on_earlier = earlier.set
    while True:
        core.pipeline.keep_up(core.clock.now())
        earlier.clear()
        due = core.agenda.due
        delay = None if due == NEVER else max(0.0, (due - core.clock.now()) / NANOS)
        try:
            async with core.clock.timeout(delay):
                await earlier.wait()
        except TimeoutError:
            continue


def watch_loop(core: Core, blocked_after_seconds: float) -> Watchdog:
    """Return a watchdog, started, that reports a blocked loop with its stack, in the log and in the journal.

    A replay is watched too: its data move its clock, but its strategy blocks the same loop.
    """

    def report(blocked: Blocked) -> None:
        _log.error("the event loop is blocked", seconds=round(blocked.seconds, 1), stack=blocked.stack)
        body = {"state": "blocked", "seconds": blocked.seconds, "stack": blocked.stack}
        core.record(RecordKind.HEALTH, "event loop", body)

    def recovered(seconds: float) -> None:
        _log.warning("the event loop turns again", blocked_seconds=round(seconds, 3))

    clock = SystemClock() if core.recorded else core.clock
    watchdog = Watchdog(clock, on_blocked=report, on_recovered=recovered, blocked_after_seconds=blocked_after_seconds)
    watchdog.start()
    return watchdog
