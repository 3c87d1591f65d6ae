"""Waiting for whichever comes first, and for a line to fall silent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ml4t.live.clock import Clock, SystemClock


async def first_of(*works: Coroutine[Any, Any, Any]) -> None:
    """Run all `works` until one has ended, then cancel the others and wait for them to let go.

    Raises what the one that ended raised; of several that ended at once, the earliest in the list.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until_silent(
    heard: Callable[[], int], probe: Callable[[], Awaitable[None]], seconds: float, clock: Clock | None = None
) -> None:
    """Return when nothing has been heard for `seconds`, although `probe` asked for an answer half-way.

    So a line that has died is told from one that is quiet. `heard` counts what has come; what answers a probe counts too.
    """
    clock = clock or SystemClock()
    while True:
        before = heard()
        await clock.sleep(seconds / 2)
        if heard() != before:
            continue
        await probe()
        await clock.sleep(seconds / 2)
        if heard() == before:
            return
