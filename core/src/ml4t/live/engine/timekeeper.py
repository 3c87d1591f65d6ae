"""Does what is due on a clock that runs by itself."""

from __future__ import annotations

import asyncio

from ml4t.live.engine.agenda import NEVER
from ml4t.live.engine.core import Core
from ml4t.live.times import NANOS


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
