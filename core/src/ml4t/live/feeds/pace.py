"""How fast a replay goes, and how far it has come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ml4t.live.clock import Clock
from ml4t.live.times import NANOS


class Pace:
    """Waits so that `speed` seconds of data go by in one second."""

    def __init__(self, clock: Clock, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._begin: tuple[float, int] | None = None

    async def until(self, moment: int) -> None:
        """Wait until it is the turn of what is at `moment` (nanoseconds of the data); the first never waits."""
        # The stopwatch, because clock.now() is what the data move in a replay: it says nothing about the wait.
        elapsed = self._clock.stopwatch() / NANOS
        if self._begin is None:
            self._begin = elapsed, moment
        begun, first = self._begin
        wait = begun + (moment - first) / NANOS / self._speed - elapsed
        if wait > 0:
            await self._clock.sleep(wait)


@contextmanager
def progress_bar(total: int, *, show: bool | None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error and yield what moves it by a number of rows; None shows it on a terminal."""
    if not (sys.stderr.isatty() if show is None else show):
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - only for people who look
    from rich.progress import Progress  # noqa: PLC0415

    # No refresh thread: a replay on virtual time must not depend on one.
    with Progress(console=Console(stderr=True), auto_refresh=False) as progress:
        task = progress.add_task("replay", total=total)

        def advance(count: int) -> None:
            progress.update(task, advance=count, refresh=True)

        yield advance
