"""A server of JSON lines on a thread of its own, with the faults that every simulated vendor has."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from ml4t.live.testing.loop_thread import settle, stop_accepting

T = TypeVar("T")
KEY = "toy-key-5f1d9c"
"""The only key that is let in."""


class Refusal(Exception):
    """The server says no, with a code."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        super().__init__(reason)


class Client:
    """One connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.is_in = False

    def send(self, **message: Any) -> None:
        """Send a line."""
        if not self.writer.is_closing():
            self.writer.write(json.dumps(message).encode() + b"\n")


class ToyServer:
    """Takes questions `{"id", "do", ...}` and answers each; `ping` is answered whatever happens.

    A subclass has a method `do_<name>(client, **arguments)` for every question: it returns an answer, or None for silence.
    """

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self.muted = False
        self.address = ("127.0.0.1", 0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="toy server", daemon=True)
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Any:
        self._thread.start()
        self.call(self._listen)
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def call(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run `work` on the server's own thread, and return its outcome."""

        async def run() -> Any:
            outcome = work(*args, **kwargs)
            return await outcome if asyncio.iscoroutine(outcome) else outcome

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    @property
    def connections(self) -> int:
        return len(self.clients)

    def drop(self, *, reset: bool = False) -> None:
        self.call(self._drop, reset)

    def mute(self, on: bool) -> None:
        self.muted = on

    def restart(self) -> None:
        self.call(self._restart)

    def tell(self, **message: Any) -> None:
        """Push a line to everybody who is in; on the server's thread."""
        if not self.muted:
            for client in self.clients:
                if client.is_in:
                    client.send(**message)

    def do_login(self, client: Client, key: str) -> dict[str, Any]:
        if key != KEY:
            raise Refusal("bad_key", "this key is not known here")
        client.is_in = True
        return {}

    def do_time(self, client: Client) -> dict[str, Any]:
        return {}

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, *self.address)
        self.address = self._server.sockets[0].getsockname()[:2]

    async def _restart(self) -> None:
        await self._stop()
        await self._listen()

    async def _stop(self) -> None:
        await stop_accepting(self._server.sockets)
        self._server.close()
        self._server = None
        self._drop(False)
        while self.clients:  # noqa: ASYNC110 - they end one by one
            await asyncio.sleep(0.001)
        await settle()

    def _drop(self, reset: bool) -> None:
        for client in self.clients:
            if reset:
                raw = client.writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.writer.transport.abort()
            else:
                client.writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(writer)
        self.clients.add(client)
        try:
            while line := await reader.readline():
                self._answer(client, line)
        except OSError:
            pass
        finally:
            self.clients.discard(client)
            writer.close()

    def _answer(self, client: Client, line: bytes) -> None:
        try:
            question = json.loads(line)
            number, do = question.pop("id"), question.pop("do")
        except (ValueError, KeyError):
            client.writer.close()  # not our language
            return
        if do == "ping":
            client.send(id=number)
            return
        if self.muted:
            return
        try:
            if not client.is_in and do != "login":
                raise Refusal("not_in", "log in first")
            answer = getattr(self, f"do_{do}")(client, **question)
        except Refusal as refusal:
            client.send(id=number, refused=str(refusal), code=refusal.code)
        else:
            if answer is not None:
                client.send(id=number, **answer)
