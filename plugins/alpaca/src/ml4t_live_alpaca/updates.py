"""The stream of order updates: the SDK's, one connection at a time, with the reconnecting left to the engine."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import websockets

from ml4t.live.adapters import first_of, until_silent
from ml4t.live.errors import UNAUTHORIZED, BrokerConnectionError, BrokerRefused
from ml4t_live_alpaca.config import Connection
from ml4t_live_alpaca.sdk import BaseURL, TradingStream

CLOSE_SECONDS = 1.0
"""How long the other side may take to say goodbye."""

_QUIET = logging.getLogger("ml4t.live.alpaca.websocket")
_QUIET.setLevel(logging.INFO)
"""At DEBUG, websockets logs parts of every message, that with the keys included."""


def websocket_options(connection: Connection) -> dict[str, Any]:
    """Return the options of the SDK's websockets. They replace its own, which notice a dead peer after three minutes."""
    return {
        "open_timeout": connection.timeout_seconds,
        "close_timeout": CLOSE_SECONDS,
        "ping_interval": connection.silence_seconds / 2,
        "ping_timeout": connection.silence_seconds / 2,
        "max_queue": 1024,
        "logger": _QUIET,
    }


class UpdatesStream(TradingStream):
    """One connection of the SDK's stream. `deliver` gets the data of every update and must not raise."""

    def __init__(self, connection: Connection, deliver: Callable[[dict[str, Any]], None]) -> None:
        address = connection.url.rstrip("/").replace("http", "ws", 1)
        super().__init__(
            connection.api_key.reveal(),
            connection.secret_key.reveal(),
            paper=connection.paper,
            raw_data=True,
            url_override=f"{address}/stream" if address else _endpoint(paper=connection.paper),
            websocket_params=websocket_options(connection),
        )
        self._deliver = deliver
        self._options = connection
        self._listens = asyncio.Event()
        self._heard = 0
        self.subscribe_trade_updates(self._hear)

    async def open(self) -> None:
        """Connect and listen; returns when Alpaca has confirmed it. Raises BrokerConnectionError and BrokerRefused."""
        try:
            async with asyncio.timeout(self._options.timeout_seconds):
                await self._start_ws()  # type: ignore[no-untyped-call]
                while not self._listens.is_set():
                    await self._take()
        except ValueError as error:
            raise BrokerRefused(
                f"Alpaca refuses the API key on the stream of order updates ({error}); check api_key and secret_key",
                code=UNAUTHORIZED,
            ) from None
        except (OSError, TimeoutError, websockets.WebSocketException) as error:
            raise BrokerConnectionError(f"Alpaca's order updates cannot be reached: {type(error).__name__}") from None

    async def listen(self) -> None:
        """Deliver updates until cancelled. Raises BrokerConnectionError when the connection is lost or says nothing."""
        try:
            await first_of(self._take_all(), self._watch())
        except (OSError, websockets.WebSocketException) as error:
            raise BrokerConnectionError(f"Alpaca's order updates are lost: {str(error) or type(error).__name__}") from None

    async def _watch(self) -> None:
        seconds = self._options.silence_seconds
        await until_silent(lambda: self._heard, self._subscribe_trade_updates, seconds)
        raise BrokerConnectionError(f"Alpaca's order updates have said nothing for {seconds:g} s, although asked")

    async def _take_all(self) -> None:
        """Take messages for ever. The SDK's own loop may lose a cancel (`asyncio.wait_for` of Python 3.11)."""
        while True:
            await self._take()

    async def _take(self) -> None:
        assert self._ws is not None
        message = await self._ws.recv()
        try:
            said = json.loads(message)
        except ValueError:
            raise BrokerConnectionError("Alpaca's order updates are lost: a message cannot be read") from None
        await self._dispatch(said)

    async def _dispatch(self, msg: dict[str, Any]) -> None:
        self._heard += 1
        if msg.get("stream") == "listening":
            self._listens.set()
        await super()._dispatch(msg)

    async def _hear(self, message: dict[str, Any]) -> None:
        self._deliver(message["data"])


def _endpoint(*, paper: bool) -> str:
    return str((BaseURL.TRADING_STREAM_PAPER if paper else BaseURL.TRADING_STREAM_LIVE).value)
