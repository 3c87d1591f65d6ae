"""The client's side of the toy protocol: questions, answers, pushes, and a clock of its own that finds a dead line."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable
from typing import Any

PROBE_SECONDS = 0.2
DEAD_SECONDS = 0.8
PATIENCE = PROBE_SECONDS + DEAD_SECONDS
"""How long it takes at most to find out that a line is dead."""


class Refused(Exception):
    """The server said no."""

    def __init__(self, reason: str, code: str) -> None:
        self.code = code
        super().__init__(reason)


class ToyLine:
    """One connection. `lost` is done, with the reason as its result, once it is of no use any more."""

    answer_seconds = 5.0

    def __init__(self, on_push: Callable[[dict[str, Any]], None], on_alive: Callable[[], None] = lambda: None) -> None:
        self._on_push = on_push
        self._on_alive = on_alive
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: asyncio.StreamWriter | None = None
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def open(self, address: tuple[str, int], key: str) -> None:
        """Connect and log in. Raises OSError or TimeoutError, Refused for a wrong key."""
        reader, self._writer = await asyncio.open_connection(*address, limit=2**24)
        self._tasks.append(asyncio.create_task(self._read(reader), name="toy reader"))
        await self.ask("login", key=key)
        self._tasks.append(asyncio.create_task(self._probe(), name="toy probe"))

    async def ask(self, do: str, **question: Any) -> dict[str, Any]:
        """Return the answer. Raises Refused, OSError when the line is lost, TimeoutError."""
        if self.lost.done():
            raise ConnectionError(self.lost.result())
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(json.dumps({"id": number, "do": do, **question}).encode() + b"\n")
            await self._writer.drain()
            async with asyncio.timeout(self.answer_seconds):
                said = await answer
        finally:
            del self._answers[number]
        if "refused" in said:
            raise Refused(said["refused"], said["code"])
        return said

    async def close(self) -> None:
        """Let go of everything."""
        self.fail("closed")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._writer is not None:
            self._writer.transport.abort()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    def fail(self, why: str) -> None:
        """Give the line up."""
        if not self.lost.done():
            self.lost.set_result(why)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionError(why))

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                message = json.loads(line)
                if "push" in message:
                    self._on_push(message)
                elif (answer := self._answers.get(message["id"])) is not None and not answer.done():
                    answer.set_result(message)
            self.fail("the server closed the connection")
        except (OSError, ValueError, KeyError) as error:
            self.fail(f"the line broke: {error!r}")

    async def _probe(self) -> None:
        """Ask for the time again and again: an answer to a ping proves nothing."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            try:
                async with asyncio.timeout(DEAD_SECONDS):
                    await self.ask("time")
                self._on_alive()
            except (OSError, TimeoutError):
                self.fail("the server does not answer any more")
                return
