"""Running somebody's blocking function beside the loop, on a thread that cannot keep the process from ending."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any


async def in_thread(name: str, function: Callable[[Any], Any], argument: Any) -> Any:
    """Return `function(argument)`, called on a daemon thread of its own.

    An executor's threads are joined when the interpreter ends, so that one function that never returns would keep the
    process for ever. Raises what the function raises; a SystemExit as RuntimeError, because it means nothing on a thread.
    Cancelling this lets the thread run on, unheard.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if outcome.done():
            return
        if error is None:
            outcome.set_result(result)
        else:
            outcome.set_exception(error if isinstance(error, Exception) else RuntimeError(f"it raised {error!r}"))

    def work() -> None:
        result, failure = None, None
        try:
            result = function(argument)
        except BaseException as error:  # noqa: BLE001 - handed over to whoever waits
            failure = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, result, failure)

    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    try:
        return await outcome
    finally:
        if outcome.done() and not outcome.cancelled():
            thread.join()  # it has nothing left to do, and who counts threads afterwards does not find it
