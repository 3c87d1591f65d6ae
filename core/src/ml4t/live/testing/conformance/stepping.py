"""Running a coroutine step by step, to see how long and with what each step holds up the loop."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any, Generic, TypeVar

from ml4t.live.clock import SystemClock
from ml4t.live.testing.conformance.watching import Act, watched

T = TypeVar("T")

_clock = SystemClock()

HOLD_SECONDS = 0.25
"""How long one step may hold up the loop, on which everything else of a run waits."""


class Stepped(Generic[T]):
    """An awaitable that awaits another one, and notes how long its longest step took and what it waited for itself."""

    def __init__(self, work: Awaitable[T]) -> None:
        self._work = work
        self.longest = 0.0
        """Seconds."""
        self.waited_in: set[str] = set()
        """The calls that blocked the thread."""

    def __await__(self) -> Generator[Any, Any, T]:
        steps: Any = self._work.__await__()
        value: Any = None
        error: BaseException | None = None
        while True:
            began = _clock.stopwatch()
            try:
                with watched(Act.WAIT) as used:
                    waits_for = steps.send(value) if error is None else steps.throw(error)
            except StopIteration as end:
                answer: T = end.value
                return answer
            finally:
                self.longest = max(self.longest, (_clock.stopwatch() - began) / 1e9)
                self.waited_in |= used
            value, error = None, None
            try:
                value = yield waits_for
            except BaseException as thrown:  # noqa: BLE001 - a cancel, too, is for who is stepped
                error = thrown
