"""A proxy between a client and a server that damages what passes, byte by byte.

It has an event loop and a thread of its own. So a fault happens whatever the program under test does, also while its loop
is blocked; every method returns when the fault is in force, from a coroutine or a plain function; and neither its tasks nor
its timers are among those of the program, which may be on virtual time.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from attrs import define

from ml4t.live.clock import SystemClock
from ml4t.live.testing.loop_thread import settle, stop_accepting
from ml4t.live.testing.port import Port
from ml4t.live.testing.rig import Address
from ml4t.live.times import NANOS

T = TypeVar("T")

CHUNK = 4_096
BACKLOG = 64
"""Chunks that are under way in one direction, at most: a slow receiver slows its sender down."""
ANSWER_SECONDS = 10.0
"""How long a method may take to be in force; the loop of the proxy never blocks, so that this is never reached."""


@define
class Direction:
    """What happens to the bytes that travel one way, on every connection. Set any of it at any time."""

    latency: float = 0.0
    """Seconds that every byte is late."""
    rate: float | None = None
    """Bytes per second that pass, None for as many as come."""
    swallow: bool = False
    """True lets nothing out at the other end, and says so to nobody."""
    cut_after: int | None = None
    """Reset the connection behind so many more bytes."""
    corrupt_after: int | None = None
    """Flip every bit of the byte behind so many more."""

    def damage(self, data: bytes) -> tuple[bytes, bool]:
        """Return what comes out of `data`, and whether the connection is cut behind it."""
        if self.corrupt_after is not None:
            at, self.corrupt_after = self.corrupt_after, self.corrupt_after - len(data)
            if at < len(data):
                data = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
                self.corrupt_after = None
        if self.cut_after is not None:
            at, self.cut_after = self.cut_after, self.cut_after - len(data)
            if at <= len(data):
                self.cut_after = None
                return data[:at], True
        return data, False


class ChaosProxy:
    """Listens on 127.0.0.1 and passes on to `upstream`; a context manager, or `start` and `close`.

    `to_server` and `to_client` say what happens to the bytes of each direction. The methods act on whole connections.
    """

    def __init__(self, upstream: Address) -> None:
        self.upstream = upstream
        self.to_server = Direction()
        self.to_client = Direction()
        self.address: Address = ("127.0.0.1", 0)
        """Where clients connect; valid once started, and the same for ever after."""
        self.accepted = 0
        """How many connections there have been."""
        self._blackhole = False
        self._clock = SystemClock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos proxy", daemon=True)
        self._server: asyncio.Server | None = None
        self._port = Port()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._pairs: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}

    def start(self) -> None:
        """Listen. Returns when clients can connect."""
        self._thread.start()
        self._call(self._listen())

    def close(self) -> None:
        """End every connection and the thread; calling it twice is harmless."""
        if not self._thread.is_alive():
            return
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._pairs)

    def freeze(self) -> None:
        """Let nothing through in either direction, no FIN and no RST either, until `thaw`. Sockets stay open."""
        self._call(self._set_thawed(False))

    def thaw(self) -> None:
        """Let everything through that has waited."""
        self._call(self._set_thawed(True))

    def half_open(self, on: bool) -> None:
        """While it is on the server hears the client, and the client never hears the server."""
        self.to_client.swallow = on

    def finish(self) -> None:
        """Close every connection in order, with FIN to both sides."""
        self._call(self._end_pairs(asyncio.StreamWriter.close))

    def reset(self) -> None:
        """Close every connection with RST to both sides."""
        self._call(self._end_pairs(_reset))

    def refuse(self, on: bool) -> None:
        """While it is on nobody listens: whoever connects is refused. Connections that stand go on."""
        self._call(self._unlisten() if on else self._listen())

    def blackhole(self, on: bool) -> None:
        """While it is on new connections are accepted and never answered."""
        self._blackhole = on

    # ------------------------------------------------------------------ on the proxy's own loop

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_SECONDS)

    async def _listen(self) -> None:
        if self._server is None:
            self._port.release()
            self._server = await asyncio.start_server(self._accept, *self.address)
            self.address = self._server.sockets[0].getsockname()[:2]

    async def _unlisten(self) -> None:
        if self._server is not None:
            await stop_accepting(self._server.sockets)
            self._server.close()
            self._server = None
            self._port.hold(self.address)
            await settle()

    async def _set_thawed(self, thawed: bool) -> None:
        if thawed:
            self._thawed.set()
        else:
            self._thawed.clear()

    async def _end_pairs(self, end: Callable[[asyncio.StreamWriter], None]) -> None:
        pairs = dict(self._pairs)
        for task, writers in pairs.items():
            for writer in writers:
                end(writer)
            task.cancel()
        await asyncio.gather(*pairs, return_exceptions=True)

    async def _end(self) -> None:
        await self._unlisten()
        await self._end_pairs(_reset)
        await settle()
        self._port.release()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        writers = [writer]
        serve = self._ignore(reader) if self._blackhole else self._serve(reader, writers)
        task = self._loop.create_task(serve)
        self._pairs[task] = writers
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        for writer in self._pairs.pop(task):
            writer.close()

    async def _ignore(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):
            while await reader.read(CHUNK):
                pass

    async def _serve(self, reader: asyncio.StreamReader, writers: list[asyncio.StreamWriter]) -> None:
        try:
            answers, requests = await asyncio.open_connection(*self.upstream)
        except OSError:
            _reset(writers[0])
            return
        writers.append(requests)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._carry(reader, requests, self.to_server))
                ways.create_task(self._carry(answers, writers[0], self.to_client))
        except* (OSError, _Cut):
            for writer in writers:
                _reset(writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, how: Direction) -> None:
        """Carry one direction of one connection to its end; a FIN is passed on."""
        under_way: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(BACKLOG)
        async with asyncio.TaskGroup() as both:
            both.create_task(self._deliver(under_way, writer, how))
            while data := await reader.read(CHUNK):
                await under_way.put((self._due(how), data))
            await under_way.put((self._due(how), b""))

    def _due(self, how: Direction) -> int:
        return self._clock.monotonic() + round(how.latency * NANOS)

    async def _deliver(self, under_way: asyncio.Queue[tuple[int, bytes]], writer: asyncio.StreamWriter, how: Direction) -> None:
        while True:
            due, data = await under_way.get()
            await self._clock.sleep(max(0.0, (due - self._clock.monotonic()) / NANOS))
            if how.rate is not None:
                await self._clock.sleep(len(data) / how.rate)
            await self._thawed.wait()
            if how.swallow:
                continue
            if not data:
                writer.write_eof()
                return
            data, cut = how.damage(data)
            writer.write(data)
            await writer.drain()
            if cut:
                raise _Cut


class _Cut(Exception):
    """A connection has come to the byte behind which it is to be cut."""


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST: without the option `abort` sends FIN."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
