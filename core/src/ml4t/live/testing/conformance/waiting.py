"""Waiting on a condition, with a deadline and words for what did not happen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ml4t.live.clock import SystemClock
from ml4t.live.testing.conformance.report import NotConformant

T = TypeVar("T")

ANSWER_SECONDS = 10.0
"""How long a request may take at a venue on this machine."""
CONNECT_SECONDS = 30.0
"""How long a connect may take, also one that has to find out that it cannot."""
SLACK = 1.5
STEP_SECONDS = 0.005

clock = SystemClock()


def found_dead(patience: float) -> float:
    """Return how long a line that is dead may go unnoticed by an adapter that needs `patience` seconds for it.

    A busy machine gets half as much again, and as long as any answer may take.
    """
    return patience * SLACK + ANSWER_SECONDS


async def until(condition: Callable[[], object], what: str, seconds: float = ANSWER_SECONDS) -> None:
    """Wait until `condition()` holds. Raises NotConformant when it does not for so long."""
    try:
        async with clock.timeout(seconds):
            while not condition():
                await clock.sleep(STEP_SECONDS)
    except TimeoutError:
        raise NotConformant(f"{what}: not within {seconds:g} s") from None


async def within(work: Awaitable[T], what: str, seconds: float = ANSWER_SECONDS) -> T:
    """Return the outcome of `work`. Raises NotConformant when it takes longer, and what `work` raises."""
    limit = clock.timeout(seconds)
    try:
        async with limit:
            return await work
    except TimeoutError as error:
        if not getattr(limit, "expired", bool)():
            raise
        raise NotConformant(f"{what} did not come back within {seconds:g} s") from error
