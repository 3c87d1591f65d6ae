"""The simulated market-data streams: msgpack, one connection per endpoint, errors as Alpaca numbers them."""

from __future__ import annotations

from typing import Any

import msgpack  # type: ignore[import-untyped]
from attrs import define, field

from ml4t_live_alpaca.simulator.faults import Faults
from ml4t_live_alpaca.simulator.wire import WebSocket
from ml4t_live_alpaca.symbols import is_crypto

CHANNELS = {
    "t": "trades",
    "q": "quotes",
    "b": "bars",
    "u": "updatedBars",
    "d": "dailyBars",
    "s": "statuses",
    "l": "lulds",
    "c": "corrections",
    "x": "cancelErrors",
}
ERRORS = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    500: "internal error",
}
SIP_PATH = "/v2/sip"
CRYPTO_PATH = "/v1beta3/crypto/us"


@define(eq=False)
class Subscriber:
    """One authenticated client of one endpoint."""

    socket: WebSocket
    channels: dict[str, set[str]] = field(factory=dict)

    def wants(self, channel: str, symbol: str) -> bool:
        """True when it listens to a symbol on a channel."""
        symbols = self.channels.get(channel, ())
        return symbol in symbols or "*" in symbols


class MarketData:
    """Everybody who listens to the market."""

    def __init__(self, keys: tuple[str, str], faults: Faults, *, sip: bool) -> None:
        self.subscribers: list[Subscriber] = []
        self.refuse_with = 0
        """The error that every client gets in answer to its subscription; 0 for none."""
        self.symbol_limit = 0
        """How many symbols one channel may have; 0 means any number."""
        self._keys = keys
        self._sip = sip
        self._faults = faults

    @property
    def symbols(self) -> frozenset[str]:
        """The symbols that somebody listens to."""
        channels = (symbols for each in self.subscribers for symbols in each.channels.values())
        return frozenset(symbol for symbols in channels for symbol in symbols)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one client until it goes."""
        self._send(socket, [{"T": "success", "msg": "connected"}])
        if not await self._authorize(socket):
            socket.close(1008)
            return
        subscriber = Subscriber(socket)
        self.subscribers.append(subscriber)
        try:
            self._send(socket, [{"T": "success", "msg": "authenticated"}])
            while (message := await socket.receive()) is not None:
                self._subscribe(subscriber, msgpack.unpackb(message))
        finally:
            self.subscribers.remove(subscriber)

    def push(self, *records: dict[str, Any]) -> None:
        """Send records to whoever wants them, one frame each client."""
        if self._faults.muted:
            return
        for subscriber in self.subscribers:
            crypto = subscriber.socket.path == CRYPTO_PATH
            wanted = [
                {**record, "t": _timestamp(record["t"])}
                for record in records
                if is_crypto(record["S"]) == crypto and subscriber.wants(CHANNELS[record["T"]], record["S"])
            ]
            if wanted:
                self._send(subscriber.socket, wanted)

    def fail(self, code: int, *, close: bool = True) -> None:
        """Send an error to everybody, and hang up."""
        for subscriber in list(self.subscribers):
            self._send(subscriber.socket, [{"T": "error", "code": code, "msg": ERRORS[code]}])
            if close:
                subscriber.socket.close(1008)

    async def _authorize(self, socket: WebSocket) -> bool:
        message = await socket.receive()
        if message is None:
            return False
        request = msgpack.unpackb(message)
        if (request.get("key"), request.get("secret")) != self._keys:
            self._refuse(socket, 402)
            return False
        if socket.path == SIP_PATH and not self._sip:
            self._refuse(socket, 409)
            return False
        if any(each.socket.path == socket.path for each in self.subscribers):
            self._refuse(socket, 406)
            return False
        return True

    def _subscribe(self, subscriber: Subscriber, request: dict[str, Any]) -> None:
        if self.refuse_with:
            self._refuse(subscriber.socket, self.refuse_with)
            return
        for channel, symbols in request.items():
            if channel == "action":
                continue
            listed = subscriber.channels.setdefault(channel, set())
            changed = listed | set(symbols) if request["action"] == "subscribe" else listed - set(symbols)
            if self.symbol_limit and len(changed) > self.symbol_limit:
                self._refuse(subscriber.socket, 405)
                return
            subscriber.channels[channel] = changed
        lists = {channel: sorted(subscriber.channels.get(channel, ())) for channel in CHANNELS.values()}
        self._send(subscriber.socket, [{"T": "subscription", **lists}])

    def _refuse(self, socket: WebSocket, code: int) -> None:
        self._send(socket, [{"T": "error", "code": code, "msg": ERRORS[code]}])

    def _send(self, socket: WebSocket, messages: list[dict[str, Any]]) -> None:
        if not self._faults.muted:
            socket.send(msgpack.packb(messages))


def _timestamp(nanoseconds: int) -> msgpack.Timestamp:
    return msgpack.Timestamp.from_unix_nano(nanoseconds)
