"""One websocket endpoint of OKX: opened, logged in, subscribed, watched, and moved to a new connection before an upgrade."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import structlog
from aiohttp import ClientWSTimeout, WSMsgType
from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from ml4t.live.errors import BrokerConnectionError
from ml4t_live_okx.config import Connection, OKXBrokerConfig
from ml4t_live_okx.errors import error_of
from ml4t_live_okx.liveness import until_silent
from ml4t_live_okx.signing import LOGIN_TARGET, signature

CLOSE_SECONDS = 1.0
"""How long the other side may take to say goodbye."""
OVERLAP_SECONDS = 1.0
"""How long both connections are listened to when one takes the place of the other."""
AGAIN_SECONDS = 1.0
"""How long after a connection that was to take the place of another could not be had the next is tried."""
UPGRADE = "64008"
ARGS = 50
"""Subscriptions in one request."""

Arg = dict[str, str]
_log = structlog.get_logger("ml4t.live.okx")


class About(Struct):
    """What a message is about."""

    channel: str = ""
    instId: str = ""  # noqa: N815 - the name on the wire


class Message(Struct):
    """A message of OKX's: an event, or the data of a channel."""

    event: str = ""
    code: str = ""
    msg: str = ""
    arg: About | None = None
    data: Raw = Raw()


Deliver = Callable[[About, Raw], None]
_messages = Decoder(Message)


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


class Socket:
    """One connection. What it delivers while it is being subscribed waits until it is read."""

    def __init__(
        self, wire: aiohttp.ClientWebSocketResponse, endpoint: str, deliver: Deliver, alive: Callable[[], None]
    ) -> None:
        self.heard = 0
        """How many messages have come; answers to pings are none."""
        self.upgrade = asyncio.Event()
        self._wire = wire
        self._endpoint = endpoint
        self._deliver = deliver
        self._alive = alive
        self._pong = asyncio.Event()
        self._early: list[Message] = []

    async def log_in(self, keys: OKXBrokerConfig) -> None:
        """Log in. Raises BrokerRefused for wrong keys."""
        now = str(int(time.time()))
        arg = {
            "apiKey": keys.api_key.reveal(),
            "passphrase": keys.passphrase.reveal(),
            "timestamp": now,
            "sign": signature(keys.secret_key.reveal(), now + LOGIN_TARGET),
        }
        await self._ask("login", [arg])
        while (message := await self._next()).event != "login":
            self._check(message)

    async def subscribe(self, args: Sequence[Arg]) -> None:
        """Subscribe to channels, and wait until each is confirmed or refused.

        What OKX refuses is named in the log; raises BrokerRefused when it refuses all.
        """
        for first in range(0, len(args), ARGS):
            await self._ask("subscribe", args[first : first + ARGS])
        refused: list[Message] = []
        confirmed = 0
        while confirmed + len(refused) < len(args):
            message = await self._next()
            if message.event == "subscribe":
                confirmed += 1
            elif message.event == "error":
                refused.append(message)
            elif message.event:
                self._note(message)
            else:
                self._early.append(message)
        for message in refused:
            _log.error("OKX refuses a subscription", endpoint=self._endpoint, code=message.code, why=message.msg)
        if not confirmed:
            raise error_of(refused[0].code, refused[0].msg)

    async def read(self) -> None:
        """Deliver what comes until cancelled or cut off."""
        early, self._early = self._early, []
        for message in early:
            self._hand_on(message)
        while True:
            self._hand_on(await self._next())

    async def probe(self, arg: Arg) -> None:
        """Ask for an answer: to a ping, and to a subscription that is there already, which changes nothing."""
        await self._send("ping")
        await self._ask("subscribe", [arg])

    async def drained(self) -> None:
        """Wait until all that OKX has sent by now has been read, by whoever reads."""
        self._pong.clear()
        await self._send("ping")
        await self._pong.wait()

    async def close(self) -> None:
        """Hang up; calling it twice is harmless."""
        await self._wire.close()

    async def _ask(self, operation: str, args: Sequence[Any]) -> None:
        await self._send(json.dumps({"op": operation, "args": args}))

    async def _send(self, text: str) -> None:
        try:
            await self._wire.send_str(text)
        except (aiohttp.ClientError, OSError) as error:
            raise self._lost(type(error).__name__) from None

    async def _next(self) -> Message:
        while True:
            frame = await self._wire.receive()
            if frame.type is not WSMsgType.TEXT:
                raise self._lost(f"closed, {self._wire.close_code}" if self._wire.close_code else "closed")
            if frame.data != "pong":
                break
            self._pong.set()
        self.heard += 1
        try:
            return _messages.decode(frame.data)
        except DecodeError as error:
            raise self._lost(f"a message that cannot be read: {error}") from None

    def _hand_on(self, message: Message) -> None:
        if message.arg is not None and not message.event:
            self._deliver(message.arg, message.data)
        else:
            self._check(message)
            self._alive()

    def _check(self, message: Message) -> None:
        if message.event in {"error", "channel-conn-count-error"}:
            raise error_of(message.code, message.msg or "too many connections listen to this channel")
        self._note(message)

    def _note(self, message: Message) -> None:
        if message.event == "notice":
            _log.warning("OKX gives notice", endpoint=self._endpoint, code=message.code, words=message.msg)
            if message.code == UPGRADE:
                self.upgrade.set()

    def _lost(self, why: str) -> BrokerConnectionError:
        return BrokerConnectionError(f"OKX's {self._endpoint} websocket is lost: {why}")


def _what(error: Exception) -> str:
    return "time-out" if isinstance(error, TimeoutError) else type(error).__name__
