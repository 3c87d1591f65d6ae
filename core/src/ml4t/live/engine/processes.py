"""Heavy models in processes of their own: what one computes costs the loop nothing, and it dies alone."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from typing import Any

from ml4t.live.contracts.forecaster import Forecaster, ForecastRequest
from ml4t.live.engine.snapshot import snapshot
from ml4t.live.engine.worker import LENGTH, frame
from ml4t.live.market import MarketState


class RemoteFault(Exception):
    """What a forecaster raised in its process, or why that process is no more."""


class ModelProcess:
    """One forecaster's process, started when it is first asked and again after it has died.

    It answers one request at a time. Whoever stops waiting ends it: it would go on computing for nobody.
    """

    def __init__(self, name: str, forecaster: Forecaster, market: MarketState) -> None:
        self._name = name
        self._forecaster = forecaster
        self._market = market
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def ready(self) -> None:
        """Start the process unless it runs, and wait until it has its model. Raises RemoteFault."""
        await self._in_turn(self._started)

    async def ask(self, request: ForecastRequest) -> Any:
        """Return the answer. Raises RemoteFault."""
        return await self._in_turn(lambda: self._exchange(request))

    async def _in_turn(self, work: Callable[[], Awaitable[Any]]) -> Any:
        async with self._turn:
            try:
                return await work()
            except RemoteFault:
                raise
            except BaseException:
                await self.close()
                raise

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()
            with contextlib.suppress(OSError):
                await process.stdin.wait_closed()

    async def _exchange(self, request: ForecastRequest) -> Any:
        process = await self._started()
        return await self._told(process, frame(snapshot(request, self._market)))

    async def _told(self, process: Process, message: bytes) -> Any:
        """Send a message and return what is answered."""
        writer, reader = process.stdin, process.stdout
        if writer is None or reader is None:
            raise RuntimeError("a process that was started with pipes has none")
        try:
            writer.write(message)
            await writer.drain()
            size = int.from_bytes(await reader.readexactly(LENGTH), "big")
            done, said = pickle.loads(await reader.readexactly(size))  # noqa: S301 - from a process of our own
        except (OSError, asyncio.IncompleteReadError):
            code = await process.wait()
            await self.close()
            raise RemoteFault(f"the process of {self._name} died (exit code {code}); it is started again") from None
        if not done:
            raise RemoteFault(": ".join(said))
        return said

    async def _started(self) -> Process:
        """Return the process, which has its model."""
        if self._process is not None:
            return self._process
        try:
            forecaster = frame(self._forecaster)
        except Exception as error:
            remedy = "define its class in a module, or take out `process`"
            raise TypeError(f"{self._name} cannot be moved to a process of its own ({error}); {remedy}") from error
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ml4t.live.engine.worker"), stdin=PIPE, stdout=PIPE
        )
        await self._told(process, frame(sys.path) + forecaster)
        return process
