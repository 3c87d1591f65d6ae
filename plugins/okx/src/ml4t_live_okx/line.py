"""One websocket endpoint of OKX: opened, watched, and moved to a new connection before an upgrade."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import aiohttp
import structlog
from aiohttp import ClientWSTimeout

from ml4t.live.adapters import until_silent
from ml4t.live.errors import BrokerConnectionError
from ml4t_live_okx.config import Connection, OKXBrokerConfig
from ml4t_live_okx.wire import Arg, Deliver, Socket

CLOSE_SECONDS = 1.0
"""How long the other side may take to say goodbye."""
OVERLAP_SECONDS = 1.0
"""How long both connections are listened to when one takes the place of the other."""
AGAIN_SECONDS = 1.0
"""How long after a connection that was to take the place of another could not be had the next is tried."""

_log = structlog.get_logger("ml4t.live.okx")


class Line:
    """The connection to one endpoint (`public`, `business` or `private`).

    `deliver` gets the data of every message, and what it raises ends the connection; `alive` is called when OKX has answered
    something. Everything raises BrokerConnectionError when the connection is lost, BrokerRefused for wrong keys.
    """

    def __init__(
        self,
        connection: Connection,
        endpoint: str,
        args: Sequence[Arg],
        deliver: Deliver,
        *,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._endpoint = endpoint
        self._args = args
        self._deliver = deliver
        self._alive = alive
        self._session: aiohttp.ClientSession | None = None
        self._socket: Socket | None = None

    async def open(self) -> None:
        """Connect and subscribe; returns when OKX has confirmed it."""
        self._session = aiohttp.ClientSession()
        try:
            self._socket = await self._connected(self._session)
        except BaseException:
            await self.close()
            raise

    async def run(self) -> None:
        """Deliver what comes until cancelled."""
        while True:
            self._socket = await self._until_moved(self._current)

    async def close(self) -> None:
        """Hang up; calling it twice is harmless."""
        socket, self._socket = self._socket, None
        session, self._session = self._session, None
        if socket is not None:
            await socket.close()
        if session is not None:
            await session.close()

    @property
    def _current(self) -> Socket:
        if self._socket is None:
            raise BrokerConnectionError(f"OKX's {self._endpoint} websocket is not connected")
        return self._socket

    async def _connected(self, session: aiohttp.ClientSession) -> Socket:
        """Return a connection that is subscribed."""
        address = self._connection.websocket(self._endpoint)
        try:
            async with asyncio.timeout(self._connection.timeout_seconds):
                timeout = ClientWSTimeout(ws_close=CLOSE_SECONDS)
                wire = await session.ws_connect(address, timeout=timeout, max_msg_size=0)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise BrokerConnectionError(
                f"OKX's {self._endpoint} websocket cannot be reached at {address} ({_what(error)}); check the network"
            ) from None
        socket = Socket(wire, self._endpoint, self._deliver, self._alive)
        try:
            async with asyncio.timeout(self._connection.timeout_seconds):
                if isinstance(self._connection, OKXBrokerConfig):
                    await socket.log_in(self._connection)
                await socket.subscribe(self._args)
        except BaseException as error:
            await socket.close()
            if isinstance(error, TimeoutError):
                raise BrokerConnectionError(f"OKX's {self._endpoint} websocket is open, and does not answer") from None
            raise
        return socket

    async def _until_moved(self, socket: Socket) -> Socket:
        """Deliver from one connection until another has taken its place, and return that one."""
        loop = asyncio.get_running_loop()
        moving = loop.create_task(self._move(socket))
        tasks = [moving, loop.create_task(socket.read()), loop.create_task(self._watch(socket))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if moving.done() and not moving.cancelled() and moving.exception() is None:
                self._socket = moving.result()
                await socket.close()
        if moving not in done:
            for task in done:
                task.result()
        return moving.result()

    async def _move(self, socket: Socket) -> Socket:
        """Wait for the notice of an upgrade, open another connection, and return it once all of the first has been read."""
        await socket.upgrade.wait()
        _log.warning("OKX will close this connection for an upgrade; another takes its place", endpoint=self._endpoint)
        successor = await self._successor()
        try:
            await asyncio.sleep(OVERLAP_SECONDS)
            await socket.drained()
        except BaseException:
            await successor.close()
            raise
        return successor

    async def _successor(self) -> Socket:
        """Return another connection, as soon as one can be had; the first goes on meanwhile, for as long as OKX lets it."""
        while self._session is not None:
            try:
                return await self._connected(self._session)
            except BrokerConnectionError as error:
                _log.warning("it cannot be had yet", endpoint=self._endpoint, why=str(error))
                await asyncio.sleep(AGAIN_SECONDS)
        raise BrokerConnectionError(f"OKX's {self._endpoint} websocket is closed")

    async def _watch(self, socket: Socket) -> None:
        seconds = self._connection.silence_seconds
        await until_silent(lambda: socket.heard, lambda: socket.probe(self._args[0]), seconds)
        raise BrokerConnectionError(f"OKX's {self._endpoint} websocket has said nothing for {seconds:g} s, although asked")


def _what(error: Exception) -> str:
    return "time-out" if isinstance(error, TimeoutError) else type(error).__name__
