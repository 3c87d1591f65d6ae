"""How a stream that has died is told from one that is quiet: it is asked for an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

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
