"""One port for requests and websockets, as a proxy in front of a venue needs it.

`websockets` (which alpaca-py brings along) does the websocket protocol without I/O; the little HTTP/1.1 that a JSON API
needs is here. So the simulator asks for no package that the adapter does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import io
import logging
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

from attrs import frozen
from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.server import ServerProtocol

from ml4t.live.testing.loop_thread import stop_accepting

LARGEST_HEAD = 65_536

_QUIET = logging.getLogger("ml4t.live.alpaca.simulator")
_QUIET.setLevel(logging.INFO)
"""At DEBUG, websockets logs parts of every message, that with the keys included."""


@frozen
class Request:
    """A request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@frozen
class Response:
    """An answer; `cut` ends the connection in the middle of it."""

    status: int
    body: bytes = b""
    cut: bool = False

    def encoded(self) -> bytes:
        """Return it as it goes over the wire."""
        phrase = HTTPStatus(self.status).phrase
        head = f"HTTP/1.1 {self.status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n"
        whole = head.encode() + self.body
        return whole[: len(head) + len(self.body) // 2] if self.cut else whole


class WebSocket:
    """One websocket on the server's side: messages in either direction, pings answered by themselves."""

    def __init__(self, connection: Connection, protocol: ServerProtocol, path: str) -> None:
        self.path = path
        self._connection = connection
        self._protocol = protocol
        self._frames: deque[Frame] = deque()
        self._parts: list[bytes] = []

    async def receive(self) -> bytes | None:
        """Return the next message, None when the client has gone."""
        while True:
            self._frames.extend(event for event in self._protocol.events_received() if isinstance(event, Frame))
            while self._frames:
                frame = self._frames.popleft()
                if frame.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
                    self._parts.append(bytes(frame.data))
                    if frame.fin:
                        message, self._parts = b"".join(self._parts), []
                        return message
            data = await self._connection.read()
            if not data:
                return None
            self._protocol.receive_data(data)
            self._flush()

    def send(self, message: bytes | str) -> None:
        """Send a message: text as a text frame, bytes as a binary one."""
        if self._connection.closing:
            return
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        self._flush()

    async def drained(self) -> None:
        """Wait until the client has taken most of what was sent."""
        await self._connection.drained()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye and hang up."""
        if not self._connection.closing:
            self._protocol.send_close(code, reason)
            self._flush()
        self._connection.close()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._connection.write(data)
            else:  # the end of what is to be said: the server hangs up first
                self._connection.close()


class Connection:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @property
    def closing(self) -> bool:
        """True once it is being closed."""
        return self._writer.is_closing()

    async def head(self) -> bytes:
        """Return the head of the next request, empty when the client has gone."""
        try:
            return await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            return b""

    async def read(self, size: int | None = None) -> bytes:
        """Return the next bytes, or exactly `size` of them; empty when the client has gone."""
        try:
            return await (self._reader.read(LARGEST_HEAD) if size is None else self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, OSError):
            return b""

    def write(self, data: bytes) -> None:
        """Send bytes."""
        if not self.closing:
            self._writer.write(data)

    async def drained(self) -> None:
        """Wait until most of what was written has left."""
        with contextlib.suppress(OSError):
            await self._writer.drain()

    def close(self, *, reset: bool = False) -> None:
        """Hang up, with FIN or with RST."""
        if reset:
            # Without this, asyncio's abort() sends FIN.
            raw: socket.socket = self._writer.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        else:
            self._writer.close()


Answer = Callable[[Request], Awaitable[Response | None]]
Accept = Callable[[WebSocket], Awaitable[None]]


class Listener:
    """Listens on 127.0.0.1, hands requests to `answer` and websockets to `accept`.

    A request that is answered with None gets no answer: the connection is closed.
    """

    def __init__(self, answer: Answer, accept: Accept) -> None:
        self.connections: set[Connection] = set()
        self.port = 0
        self._answer = answer
        self._accept = accept
        self._server: asyncio.Server | None = None

    async def open(self, port: int) -> None:
        """Listen on a port; 0 takes a free one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=LARGEST_HEAD)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more; who is connected stays."""
        if self._server is not None:
            await stop_accepting(self._server.sockets)
            self._server.close()
            self._server = None

    def drop(self, *, reset: bool = False) -> None:
        """Hang up on everybody."""
        for connection in list(self.connections):
            connection.close(reset=reset)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        self.connections.add(connection)
        try:
            while head := await connection.head():
                request = _parsed(head)
                if request.headers.get("upgrade", "").lower() == "websocket":
                    await self._upgrade(connection, head, request)
                    return
                length = int(request.headers.get("content-length") or 0)
                body = await connection.read(length) if length else b""
                response = await self._answer(Request(request.method, request.path, request.query, request.headers, body))
                if response is None:
                    return
                connection.write(response.encoded())
                await connection.drained()
                if response.cut:
                    return
        finally:
            self.connections.discard(connection)
            connection.close()

    async def _upgrade(self, connection: Connection, head: bytes, request: Request) -> None:
        protocol = ServerProtocol(logger=_QUIET)
        protocol.receive_data(head)
        events = protocol.events_received()
        handshake = events[0] if events else None
        if not isinstance(handshake, Handshake):
            return
        protocol.send_response(protocol.accept(handshake))
        for data in protocol.data_to_send():
            connection.write(data)
        try:
            await self._accept(WebSocket(connection, protocol, request.path))
        except ProtocolError:
            return


def _parsed(head: bytes) -> Request:
    line, _, rest = head.partition(b"\r\n")
    method, target, _ = line.decode("latin-1").split(" ", 2)
    parts = urlsplit(target)
    headers = {name.lower(): value for name, value in http.client.parse_headers(io.BytesIO(rest)).items()}
    return Request(method, unquote(parts.path), dict(parse_qsl(parts.query)), headers)
