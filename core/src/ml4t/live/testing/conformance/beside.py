"""Whether the event loop stands still, told by a thread beside it and not by a clock."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Self

from ml4t.live.testing.conformance.waiting import clock

TURN_SECONDS = 0.05


class Beside:
    """A thread that turns beside the loop, and counts how often it does while the loop stands still.

    A busy machine holds up both, a loop that is blocked is held up alone: a clock cannot tell the one from the other. It is an
    async context manager. `then` is called on the thread, once: after `after` turns, or at the end when that comes first.
    """

    def __init__(self, *, after: int = 0, then: Callable[[], None] = lambda: None) -> None:
        self._after = after
        self._then = then
        self._turns = self._still = self._longest = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="beside the loop")
        self._turning: asyncio.Task[None]

    @property
    def longest(self) -> float:
        """The longest pause of the loop, in seconds that the thread has counted: no more than they were."""
        return self._longest * TURN_SECONDS

    @property
    def lasted(self) -> float:
        """How long all of it has lasted, in the same seconds: what a busy machine held up is not in them."""
        return self._turns * TURN_SECONDS

    async def __aenter__(self) -> Self:
        self._thread.start()
        self._turning = asyncio.get_running_loop().create_task(self._turn(), name="beside a thread")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        self._turning.cancel()
        await asyncio.gather(self._turning, return_exceptions=True)
        self._thread.join()

    async def _turn(self) -> None:
        while True:
            self._still = 0
            await clock.sleep(TURN_SECONDS / 5)

    def _run(self) -> None:
        while self._turns < self._after and not clock.wait(self._over, TURN_SECONDS):
            self._count()
        self._then()
        while not clock.wait(self._over, TURN_SECONDS):
            self._count()

    def _count(self) -> None:
        self._turns += 1
        self._still += 1
        self._longest = max(self._longest, self._still)
