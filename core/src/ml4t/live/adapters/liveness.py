"""How a stream that has died is told from one that is quiet: it is asked for an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ml4t.live.clock import Clock, SystemClock

_MACHINE = SystemClock()


async def until_silent(
    heard: Callable[[], int], probe: Callable[[], Awaitable[None]], seconds: float, *, clock: Clock = _MACHINE
) -> None:
    """Return when nothing has been heard for `seconds`, although `probe` asked for an answer half-way.

    `heard` counts what has come; what answers a probe counts too. Raises what `probe` raises.
    """
    while True:
        before = heard()
        await clock.sleep(seconds / 2)
        if heard() != before:
            continue
        await probe()
        await clock.sleep(seconds / 2)
        if heard() == before:
            return


async def first_of(*coroutines: Coroutine[Any, Any, object]) -> None:
    """Run coroutines until the first of them ends, cancel the others, and raise what it raised."""
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(each) for each in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
