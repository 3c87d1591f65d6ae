"""What an adapter leaves behind: tasks, threads and sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.waiting import ANSWER_SECONDS, until

_DESCRIPTORS = Path("/proc/self/fd")


def running() -> set[asyncio.Task[object]]:
    """Return the tasks that run on this loop."""
    return set(asyncio.all_tasks())


def threads() -> set[threading.Thread]:
    """Return the threads of this process, without the pool of the event loop, which lives as long as the loop."""
    return {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}


def sockets() -> set[str]:
    """Return the sockets that this process has open; empty where the system does not list them."""
    if not _DESCRIPTORS.is_dir():
        return set()
    found = set()
    for descriptor in _DESCRIPTORS.iterdir():
        try:
            found.add(str(descriptor.readlink()))
        except OSError:  # the one that lists the folder itself
            continue
    return {name for name in found if name.startswith("socket:")}


@asynccontextmanager
async def nothing_left(connections: Callable[[], int], seconds: float = ANSWER_SECONDS) -> AsyncIterator[None]:
    """Check that, after so many seconds, there runs and is open what was before, and that the server counts no connection.

    Raises NotConformant with what is left.
    """
    tasks, alive, open_before = running(), threads(), sockets()
    yield

    def left() -> list[str]:
        found = [f"task {task.get_name()!r} ({task.get_coro()})" for task in running() - tasks]
        found += [f"thread {thread.name!r}" for thread in threads() - alive]
        found += [f"{connections()} connections at the server"] if connections() else []
        return found + [f"{len(sockets() - open_before)} sockets"] * bool(sockets() - open_before)

    try:
        await until(lambda: not left(), "everything has to end", seconds)
    except NotConformant as error:
        raise NotConformant(f"left behind: {', '.join(left())}") from error
