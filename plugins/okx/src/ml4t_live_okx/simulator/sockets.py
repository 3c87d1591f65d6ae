"""The three websockets: logins, subscriptions, pings, and what is pushed to whom."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import WSMsgType, web
from attrs import define, field

from ml4t_live_okx.signing import LOGIN_TARGET, signature
from ml4t_live_okx.simulator.faults import Faults

PUBLIC = frozenset({"trades", "tickers", "bbo-tbt", "books", "books5", "funding-rate", "mark-price", "instruments", "status"})
PRIVATE = frozenset({"orders", "account", "positions", "balance_and_position"})
ALGOS = "orders-algo"
"""The one channel of the websocket `business` that wants a login."""
WRONG_TIME_SECONDS = 30.0
"""How far the time of a login may be from the venue's clock."""

Operation = Callable[[str, list[dict[str, Any]]], Awaitable[dict[str, Any]]]
Arg = dict[str, str]


@define(eq=False)
class Client:
    """One websocket."""

    endpoint: str
    socket: web.WebSocketResponse
    connection_id: str
    transport: asyncio.BaseTransport | None
    waiting: asyncio.Queue[str] = field(factory=asyncio.Queue)
    args: dict[tuple[str, str], Arg] = field(factory=dict)
    """What it is subscribed to, by channel and instrument (or type of instrument)."""
    logged_in: bool = False
    operations: int = 0
    untold: set[str] = field(factory=set)
    """The orders that it is told nothing of, by id."""
    moved: bool = False
    """True when something was sent since it was looked last."""


class Sockets:
    """Everybody who is connected by websocket. `operate` does what arrives as an order on the private one."""

    def __init__(
        self,
        credentials: tuple[str, str, str],
        faults: Faults,
        now: Callable[[], int],
        *,
        knows: Callable[[str], bool],
        operate: Operation,
        silence_seconds: float,
        operations_per_hour: int,
    ) -> None:
        self.clients: list[Client] = []
        self.accepted = 0
        """How many websockets there have been."""
        self.refuse_subscriptions: tuple[str, str] | None = None
        """The code and the words of the error that every subscription gets."""
        self._credentials = credentials
        self._faults = faults
        self._now = now
        self._knows = knows
        self._operate = operate
        self._silence = silence_seconds
        self._limit = operations_per_hour
        self._ids = itertools.count(0xA4D3AE55)
        self._late: tuple[Client, str] | None = None

    @property
    def symbols(self) -> frozenset[str]:
        """The instruments that somebody is subscribed to."""
        return frozenset(arg["instId"] for client in self.clients for arg in client.args.values() if arg.get("instId"))

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client until it goes."""
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        client = Client(request.match_info["endpoint"], socket, f"{next(self._ids):08x}", request.transport)
        self.clients.append(client)
        self.accepted += 1
        writing = asyncio.get_running_loop().create_task(self._write(client))
        try:
            await self._read(client)
        finally:
            self.clients.remove(client)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        return socket

    def push(self, channel: str, instrument: str, data: list[Any], **more: Any) -> None:
        """Send data to whoever is subscribed to a channel of an instrument."""
        for client in self.clients:
            arg = client.args.get((channel, instrument))
            if arg is not None:
                self.send(client, {"arg": arg, **more, "data": data})

    def push_raw(self, frame: Mapping[str, Any]) -> None:
        """Send a recorded frame, as it is, to whoever is subscribed to what it is about."""
        arg = frame["arg"]
        for client in self.clients:
            if (arg["channel"], arg.get("instId", "")) in client.args:
                self.send(client, frame)

    def push_order(self, order_id: str, kind: str, said: dict[str, Any], wanted: str = "orders") -> None:
        """Send an update of an order, as often and in the order that the faults make of it."""
        for client in self.clients:
            for (channel, about), arg in client.args.items():
                if channel == wanted and about in {"ANY", kind, said["instId"]} and order_id not in client.untold:
                    self._send_in_order(client, {"arg": {**arg, "uid": "1"}, "data": [said]})

    def flush(self) -> None:
        """Send what waits for another."""
        late, self._late = self._late, None
        if late is not None:
            self._enqueue(*late)

    def send(self, client: Client, message: Mapping[str, Any]) -> None:
        """Send a message to one client."""
        self._enqueue(client, json.dumps(message))

    def notify_upgrade(self) -> None:
        """Tell everybody that the connection will be closed for an upgrade."""
        words = "The connection will soon be closed for a service upgrade. Please reconnect."
        for client in self.clients:
            self.send(client, {"event": "notice", "code": "64008", "msg": words, "connId": client.connection_id})

    def _send_in_order(self, client: Client, message: Mapping[str, Any]) -> None:
        rng, late, text = self._faults.rng, self._late, json.dumps(message)
        if late is None and self._faults.swaps and rng.random() < self._faults.swaps:
            self._late = client, text
            return
        self._late = None
        for each in ((client, text), late):
            if each is not None:
                again = self._faults.duplicates and rng.random() < self._faults.duplicates
                for _ in range(2 if again else 1):
                    self._enqueue(*each)

    def _enqueue(self, client: Client, text: str) -> None:
        if not self._faults.muted:
            client.moved = True
            client.waiting.put_nowait(text)

    @staticmethod
    async def _write(client: Client) -> None:
        while True:
            await client.socket.send_str(await client.waiting.get())

    async def _read(self, client: Client) -> None:
        while True:
            try:
                async with asyncio.timeout(self._silence):
                    message = await client.socket.receive()
            except TimeoutError:
                if not client.moved:
                    await client.socket.close(code=4004, message=b"no data received in 30s")
                    return
                client.moved = False
                continue
            if message.type is not WSMsgType.TEXT:
                return
            if message.data != "ping":
                await self._hear(client, message.data)
            elif not self._faults.deaf:
                client.waiting.put_nowait("pong")

    async def _hear(self, client: Client, text: str) -> None:
        try:
            request = json.loads(text)
            operation, args = request["op"], request["args"]
        except (ValueError, KeyError, TypeError):
            self._fail(client, "60012", f"Illegal request: {text}")
            return
        if operation in {"login", "subscribe", "unsubscribe"} and self._limit:
            client.operations += 1
            if client.operations > self._limit:
                self._fail(client, "60014", "Requests too frequent")
                return
        if operation == "login":
            await self._log_in(client, args[0])
        elif operation == "subscribe":
            for arg in args:
                self._subscribe(client, arg)
        elif operation == "unsubscribe":
            for arg in args:
                client.args.pop(_key(arg), None)
                self.send(client, {"event": "unsubscribe", "arg": arg, "connId": client.connection_id})
        elif client.endpoint == "private" and client.logged_in:
            self.send(client, {"id": request.get("id", ""), "op": operation, **await self._operate(operation, args)})
        else:
            self._fail(client, "60011" if client.endpoint == "private" else "60012", "Please log in")

    async def _log_in(self, client: Client, arg: Mapping[str, str]) -> None:
        key, secret, passphrase = self._credentials
        said = str(arg.get("timestamp", ""))
        if arg.get("apiKey") != key:
            failure = "60005", "Invalid apiKey"
        elif abs(float(said or 0) - self._now() / 1000) > WRONG_TIME_SECONDS:
            failure = "60006", "Timestamp request expired"
        elif arg.get("sign") != signature(secret, said + LOGIN_TARGET):
            failure = "60007", "Invalid sign"
        elif arg.get("passphrase") != passphrase:
            failure = "60024", "Wrong passphrase"
        else:
            client.logged_in = True
            self.send(client, {"event": "login", "code": "0", "msg": "", "connId": client.connection_id})
            return
        self._fail(client, *failure)
        await asyncio.sleep(0)  # lets the words leave before the goodbye
        await client.socket.close()

    def _subscribe(self, client: Client, arg: Arg) -> None:
        channel, instrument = arg.get("channel", ""), arg.get("instId", "")
        business = channel.startswith("candle") or channel in {"trades-all", ALGOS}
        needs_login = channel == ALGOS or channel in PRIVATE
        endpoints = {"private": channel in PRIVATE, "business": business, "public": channel in PUBLIC}
        if self.refuse_subscriptions is not None:
            self._fail(client, *self.refuse_subscriptions)
        elif needs_login and endpoints.get(client.endpoint) and not client.logged_in:
            self._fail(client, "60011", "Please log in")
        elif not endpoints.get(client.endpoint) or (instrument and not self._knows(instrument)):
            words = f"Wrong URL or channel:{channel},instId:{instrument} doesn't exist. Please use the correct URL, channel"
            self._fail(client, "60018", f"{words} and parameters referring to API document.")
        else:
            client.args[_key(arg)] = arg
            self.send(client, {"event": "subscribe", "arg": arg, "connId": client.connection_id})
            if needs_login:
                same = sum(_key(arg) in each.args for each in self.clients)
                told = {"channel": channel, "connCount": str(same), "connId": client.connection_id}
                self.send(client, {"event": "channel-conn-count", **told})

    def _fail(self, client: Client, code: str, words: str) -> None:
        self.send(client, {"event": "error", "code": code, "msg": words, "connId": client.connection_id})


def _key(arg: Mapping[str, str]) -> tuple[str, str]:
    return arg.get("channel", ""), arg.get("instId") or arg.get("instType") or ""
