"""Orders that are sent in the same turn of the event loop go as one request: OKX counts it once, and answers each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from ml4t.live.errors import LiveError, OutcomeUnknown
from ml4t_live_okx.errors import UNSURE, Refused, error_of

MOST = 20
"""Orders in one request, the most that OKX takes."""

Body = Mapping[str, Any]
Outcome = Mapping[str, str]
Send = Callable[[str, Any], Awaitable[Sequence[Outcome]]]


class Batches:
    """Sends orders: one by itself to `single`, several to `batch`.

    A request is not given up because one of those who wait for it is; `close` gives up what is under way.
    """

    def __init__(self, send: Send, single: str, batch: str) -> None:
        self._send = send
        self._single = single
        self._batch = batch
        self._waiting: list[tuple[Body, asyncio.Future[Outcome]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def add(self, body: Body) -> Outcome:
        """Send one with what else is sent now; return what became of it. Raises what `send` raises."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append((body, future))
        return await future

    async def close(self) -> None:
        """Give up what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _flush(self) -> None:
        waiting, self._waiting = [each for each in self._waiting if not each[1].done()], []
        for first in range(0, len(waiting), MOST):
            task = asyncio.get_running_loop().create_task(self._run(waiting[first : first + MOST]), name="orders to OKX")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, some: Sequence[tuple[Body, asyncio.Future[Outcome]]]) -> None:
        bodies = [body for body, _ in some]
        futures = [future for _, future in some]
        try:
            if len(bodies) == 1:
                outcomes = await self._send(self._single, bodies[0])
            else:
                outcomes = await self._send(self._batch, bodies)
            pairs = list(zip(futures, outcomes, strict=True))
        except LiveError as error:
            _fail(futures, error)
            return
        except BaseException as error:
            _fail(futures, OutcomeUnknown(f"nobody can tell what became of an order to OKX: {type(error).__name__}"))
            raise
        for future, outcome in pairs:
            if not future.done():
                future.set_result(outcome)


def _fail(futures: Iterable[asyncio.Future[Outcome]], error: LiveError) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)


def taken(outcome: Outcome) -> Outcome:
    """Return what became of an order that was taken. Raises Refused for another, OutcomeUnknown when nobody can tell."""
    code, words = outcome["sCode"], outcome["sMsg"]
    if code == "0":
        return outcome
    if code in UNSURE:
        raise OutcomeUnknown(f"OKX answers {code} to an order: {words}")
    error = error_of(code, words)
    raise error if isinstance(error, Refused) else Refused(str(error), venue_code=code)
