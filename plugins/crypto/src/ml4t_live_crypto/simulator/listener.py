"""One port on 127.0.0.1 for requests and websockets, with the ways to hang up that tests need."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable

from aiohttp import web

from ml4t.live.errors import ConfigError
from ml4t.live.testing.loop_thread import stop_accepting

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_QUIET = logging.getLogger("ml4t.live.crypto.simulator")
_QUIET.setLevel(logging.CRITICAL)
"""A connection that is cut in the middle of an answer is nothing to be told of here: it was meant to be."""


class Listener:
    """Hands requests to `answer` and websockets to `accept`."""

    def __init__(self, answer: Handler, accept: Handler) -> None:
        self.port = 0
        self._answer = answer
        self._accept = accept
        self._runner: web.AppRunner | None = None
        self._site: web.SockSite | None = None
        self._socket: socket.socket

    async def open(self, port: int) -> None:
        """Listen on a port; 0 takes a free one. Raises ConfigError when it is taken."""
        if self._runner is None:
            app = web.Application(logger=_QUIET, client_max_size=2**24)
            app.router.add_get(r"/{host}/{endpoint:ws/\d+|ws-api/v3}", self._accept)
            app.router.add_route("*", "/{path:.*}", self._answer)
            self._runner = web.AppRunner(app, access_log=None, logger=_QUIET, shutdown_timeout=0.1)
            await self._runner.setup()
        try:
            self._socket = socket.create_server(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError([f"port {port} of 127.0.0.1 cannot be listened on: {error.strerror}; name another"]) from None
        self._site = web.SockSite(self._runner, self._socket)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Listen no more; who is connected stays."""
        if self._site is not None:
            site, self._site = self._site, None
            await stop_accepting([self._socket])
            await site.stop()

    async def close(self) -> None:
        """Listen no more, and hang up on everybody."""
        await self.stop()
        self.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    def drop(self, *, reset: bool = False) -> None:
        """Hang up on everybody."""
        server = None if self._runner is None else self._runner.server
        for handler in [] if server is None else list(server.connections):
            hang_up(handler.transport, reset=reset)


def hang_up(transport: asyncio.BaseTransport | None, *, reset: bool = False) -> None:
    """Close a connection, with FIN or with RST."""
    if transport is None:
        return
    if reset and isinstance(transport, asyncio.Transport):
        # Without this, asyncio's abort() sends FIN.
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
