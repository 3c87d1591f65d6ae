"""A small HTTP server on 127.0.0.1 with a thread of its own: what simulators of vendors that are polled are made of."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl, urlsplit

from attrs import field, frozen

from ml4t.live.clock import SystemClock
from ml4t.live.testing.loop_thread import LoopThread

T = TypeVar("T")
_clock = SystemClock()
_FLOOD = 2**24
"""More than the buffers of a connection hold: a client that lets it through has read the head of its answer, and does not
ask again by itself when it is cut then."""


@frozen
class Request:
    """What a client asked; the names of `headers` are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    connection: object
    """The same for all requests of one connection."""


@frozen
class Response:
    """What it is answered."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(factory=dict)

    @classmethod
    def json(cls, content: Any, status: int = 200, **headers: str) -> Response:
        """Return an answer in JSON; a header's underscores stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(json.dumps(content).encode(), status, {"Content-Type": "application/json", **named})


class HttpServer(ABC):
    """Answers every request with `answer`, which a subclass writes; it is called on the server's own thread.

    It has the faults that `ml4t.live.testing.rig.SimulatedServer` asks for. A client that asks now and then does not notice
    that its connection was closed in between: `drop` therefore hangs up in the middle of the next answer.
    """

    def __init__(self) -> None:
        self.address = ("127.0.0.1", 0)
        self._thread = LoopThread("http server")
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._muted = False
        self._doomed: dict[asyncio.StreamWriter, bool] = {}

    @abstractmethod
    def answer(self, request: Request) -> Response | None:
        """Return the answer; None for none at all."""

    # ------------------------------------------------------------------ called from the test's thread

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.address
        return f"http://{host}:{port}"

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._open)

    @property
    def open_connections(self) -> frozenset[object]:
        """The connections that are open, as in `Request.connection`; on the server's thread."""
        return frozenset(self._open)

    def __enter__(self) -> Self:
        self._thread.start()
        self._thread.run(self._listen)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._thread.run(self._stop)
        self._thread.close()

    def call(self, function: Callable[[], T]) -> T:
        """Run a function on the server's thread, and return what it returns."""
        return self._thread.call(function)

    def drop(self, *, reset: bool = False) -> None:
        """Hang up on every client, with FIN or with RST, in the middle of its next answer."""
        self.call(lambda: self._doomed.update(dict.fromkeys(self._open, reset)))

    def mute(self, on: bool) -> None:
        """While it is on, take requests and never answer them."""
        self._muted = on

    def restart(self) -> None:
        """Listen no more, hang up as `drop` does, and come back on the same address."""

        async def again() -> None:
            self._close()
            await self._listen()

        self.drop()
        self._thread.run(again)

    # ------------------------------------------------------------------ on its own thread

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, *self.address)
        self.address = self._server.sockets[0].getsockname()[:2]

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _stop(self) -> None:
        self._close()
        for writer in self._open:
            _hang_up(writer, reset=False)
        while self._open:
            await _clock.sleep(0.001)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
                while (request := await _read(reader, writer)) is not None:
                    response = None if self._muted else self.answer(request)
                    if response is None:
                        continue
                    doomed = writer in self._doomed
                    head = _head(response, more=_FLOOD if doomed else 0)
                    writer.write(head + response.body + b" " * (_FLOOD - 1 if doomed else 0))
                    await writer.drain()
                    if doomed:
                        return
        finally:
            self._open.discard(writer)
            _hang_up(writer, reset=self._doomed.pop(writer, False))


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Request | None:
    """Return the next request, None when the client has hung up. Raises ValueError for what is none."""
    line = await reader.readline()
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    return Request(method, parts.path, dict(parse_qsl(parts.query, keep_blank_values=True)), headers, body, writer)


def _head(response: Response, *, more: int) -> bytes:
    headers = {**response.headers, "Content-Length": str(len(response.body) + more)}
    lines = [f"HTTP/1.1 {response.status} Said", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _hang_up(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    if reset:
        # Without this, asyncio's abort() sends FIN.
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
