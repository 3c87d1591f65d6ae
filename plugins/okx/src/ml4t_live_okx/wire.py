"""One websocket of OKX: logged in, subscribed, asked and read."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import structlog
from aiohttp import WSMsgType
from msgspec import DecodeError, Raw, Struct
from msgspec.json import Decoder

from ml4t.live.errors import BrokerConnectionError
from ml4t_live_okx.config import OKXBrokerConfig
from ml4t_live_okx.errors import error_of
from ml4t_live_okx.signing import LOGIN_TARGET, signature

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
