"""The market-data stream: one connection to one endpoint under one key, shared by every feed of the process that needs it.

Alpaca allows one (error 406 for a second).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import msgpack  # type: ignore[import-untyped]
import structlog
import websockets

from ml4t.live.adapters import first_of, until_silent
from ml4t.live.errors import FeedDisconnected, FeedRefused
from ml4t_live_alpaca.config import Connection
from ml4t_live_alpaca.errors import code_of, stream_error
from ml4t_live_alpaca.sdk import DataStream
from ml4t_live_alpaca.updates import websocket_options

CHANNELS = {"b": "bars", "u": "updatedBars", "t": "trades", "q": "quotes", "s": "statuses"}
"""What a subscription calls the types of message."""

_LOST = contextlib.suppress(OSError, websockets.WebSocketException)
"""A connection that is found to be lost while something is sent: whoever reads from it says so."""

_log = structlog.get_logger("ml4t.live.alpaca")


class Listener(Protocol):
    """Somebody who listens to some symbols."""

    wants: Mapping[str, frozenset[str]]
    """By type of message, the symbols."""

    def hear(self, said: Mapping[str, Any]) -> None:
        """Take a message. What it raises ends the connection for everybody."""
        ...

    def alive(self) -> None:
        """Take note that Alpaca has answered."""
        ...


class MarketStream(DataStream):
    """One connection of the SDK's stream, with its reconnecting left to the engine."""

    def __init__(self, connection: Connection, endpoint: str) -> None:
        super().__init__(
            endpoint,
            connection.api_key.reveal(),
            connection.secret_key.reveal(),
            raw_data=True,
            websocket_params=websocket_options(connection),
        )
        self._options = connection
        self._listeners: list[Listener] = []
        self._routes: dict[tuple[str, str], list[Listener]] = {}
        self._heard = 0
        self._up = False

    @property
    def is_idle(self) -> bool:
        """True when nobody listens any more."""
        return not self._listeners

    async def join(self, listener: Listener) -> None:
        """Let somebody listen, from now on or as soon as the connection is up."""
        self._listeners.append(listener)
        self._route()
        if self._up:
            with _LOST:
                await self._send_subscribe_msg()

    async def leave(self, listener: Listener) -> None:
        """Let somebody listen no more; what nobody else wants is sent no more."""
        self._listeners.remove(listener)
        before = {channel: set(handlers) for channel, handlers in self._handlers.items()}
        self._route()
        if self._up and self._listeners:
            for channel, symbols in before.items():
                with _LOST:
                    await self._send_unsubscribe_msg(channel, sorted(symbols - set(self._handlers[channel])))

    async def listen(self) -> None:
        """Connect and hand on messages until cancelled. Raises FeedDisconnected and FeedRefused."""
        try:
            async with asyncio.timeout(self._options.timeout_seconds):
                await self._start_ws()
                await self._send_subscribe_msg()
            self._up = True
            await first_of(self._take_all(), self._watch())
        except ValueError as error:
            raise stream_error(code_of(str(error)), str(error)) from None
        except TimeoutError:
            raise FeedDisconnected("Alpaca's market data: the server takes the connection and does not answer") from None
        except (OSError, websockets.WebSocketException) as error:
            raise FeedDisconnected(f"Alpaca's market data are lost: {str(error) or type(error).__name__}") from None
        finally:
            self._up = False
            await self.close()

    def _route(self) -> None:
        self._routes.clear()
        for handlers in self._handlers.values():
            handlers.clear()
        for listener in self._listeners:
            for kind, symbols in listener.wants.items():
                handlers = self._handlers[CHANNELS[kind]]
                self._subscribe(self._dispatch, tuple(symbols), handlers)  # type: ignore[arg-type]  # it means any number
                for symbol in symbols:
                    self._routes.setdefault((kind, symbol), []).append(listener)

    async def _watch(self) -> None:
        seconds = self._options.silence_seconds
        # Asking for what is subscribed already changes nothing, and is answered with the list of it.
        await until_silent(lambda: self._heard, self._send_subscribe_msg, seconds)
        raise FeedDisconnected(f"Alpaca's market data have said nothing for {seconds:g} s, although asked")

    async def _take_all(self) -> None:
        """Take messages for ever. The SDK's own loop may lose a cancel (`asyncio.wait_for` of Python 3.11)."""
        assert self._ws is not None
        while True:
            for each in _messages(await self._ws.recv()):
                await self._dispatch(each)

    async def _dispatch(self, msg: dict[str, Any]) -> None:
        self._heard += 1
        kind = msg.get("T", "")
        listeners = self._routes.get((kind, msg.get("S", "")))
        if listeners is not None:
            for listener in listeners:
                listener.hear(msg)
        elif kind == "error":
            raise stream_error(int(msg["code"]), str(msg["msg"]))
        elif kind == "subscription":
            self._check(msg)
            for listener in self._listeners:
                listener.alive()

    def _check(self, subscription: Mapping[str, Any]) -> None:
        """Say which symbols Alpaca does not list although they were asked for."""
        for channel, handlers in self._handlers.items():
            absent = set(handlers) - set(subscription.get(channel) or ())
            if absent:
                _log.error("Alpaca does not send these", channel=channel, symbols=sorted(absent))


def _messages(frame: bytes) -> list[dict[str, Any]]:
    """Return the messages of a frame. Raises FeedDisconnected for one that is none."""
    try:
        said = msgpack.unpackb(frame)
    except ValueError:
        said = None
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        raise FeedDisconnected("Alpaca's market data are lost: a message cannot be read")
    return said


class SharedStream:
    """The connection that every feed of one endpoint and key listens to."""

    _open: ClassVar[dict[tuple[str, str], SharedStream]] = {}

    def __init__(self, connection: Connection, endpoint: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._stream = MarketStream(connection, endpoint)
        self._running = self._loop.create_task(self._stream.listen(), name="alpaca market data")

    @classmethod
    async def listen(cls, connection: Connection, endpoint: str, listener: Listener) -> None:
        """Listen until cancelled. Raises FeedDisconnected, and FeedRefused when trying again would not help."""
        key = (endpoint, connection.api_key.reveal())
        shared = cls._open.get(key)
        if shared is None or shared.is_over:
            shared = cls._open[key] = cls(connection, endpoint)
        elif shared._loop is not asyncio.get_running_loop():
            raise FeedRefused(
                "another engine in this process listens to Alpaca's market data with this key, and Alpaca allows one "
                "connection; run both feeds in one engine, or give it a key of its own"
            )
        try:
            await shared._stream.join(listener)
            await asyncio.shield(shared._running)
        finally:
            await shared._stream.leave(listener)
            if shared._stream.is_idle:
                # Before anything is waited for: whoever comes now needs a connection that is not being closed.
                if cls._open.get(key) is shared:
                    del cls._open[key]
                shared._running.cancel()
                await asyncio.gather(shared._running, return_exceptions=True)

    @property
    def is_over(self) -> bool:
        """True once the connection is lost."""
        return self._running.done()
