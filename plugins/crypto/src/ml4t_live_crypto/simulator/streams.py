"""The websockets: streams of the market, and the one of the account."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import WSMsgType, web
from attrs import define, field

from ml4t_live_crypto.simulator.exchange import Refusal
from ml4t_live_crypto.simulator.faults import Faults


@define(eq=False)
class Client:
    """One websocket."""

    endpoint: str
    socket: web.WebSocketResponse
    waiting: asyncio.Queue[str] = field(factory=asyncio.Queue)
    streams: set[str] = field(factory=set)
    """The streams of the market that it is subscribed to."""
    of_account: bool = False
    untold: set[int] = field(factory=set)
    """The orders that it is told nothing of, by id."""


class Streams:
    """Everybody who is connected by websocket."""

    def __init__(self, credentials: tuple[str, str], faults: Faults) -> None:
        self.clients: list[Client] = []
        self._credentials = credentials
        self._faults = faults

    @property
    def pairs(self) -> frozenset[str]:
        """The pairs that somebody is subscribed to."""
        return frozenset(name.partition("@")[0].upper() for client in self.clients for name in client.streams)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one client until it goes."""
        socket = web.WebSocketResponse(compress=False, autoping=False)  # so that it can be deaf
        await socket.prepare(request)
        client = Client(request.match_info["endpoint"], socket)
        self.clients.append(client)
        writing = asyncio.get_running_loop().create_task(self._write(client))
        try:
            await self._read(client)
        finally:
            self.clients.remove(client)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        return socket

    def push(self, stream: str, data: Mapping[str, Any]) -> None:
        """Send data to whoever is subscribed to a stream."""
        for client in self.clients:
            if stream in client.streams:
                self._send(client, data)

    def push_report(self, order_id: int, report: Mapping[str, Any]) -> None:
        """Send an update of an order to whoever listens to the account."""
        for client in self.clients:
            if client.of_account and order_id not in client.untold:
                self._send(client, {"subscriptionId": 0, "event": report})

    def _send(self, client: Client, message: Mapping[str, Any]) -> None:
        if not self._faults.muted and not self._faults.silent:
            client.waiting.put_nowait(json.dumps(message))

    @staticmethod
    async def _write(client: Client) -> None:
        while True:
            await client.socket.send_str(await client.waiting.get())

    async def _read(self, client: Client) -> None:
        async for message in client.socket:
            if message.type is WSMsgType.PING and not self._faults.deaf:
                await client.socket.pong(message.data)
            if message.type is WSMsgType.TEXT:
                self._hear(client, json.loads(message.data))

    def _hear(self, client: Client, said: Mapping[str, Any]) -> None:
        method = said.get("method")
        if method == "SUBSCRIBE":
            client.streams.update(said["params"])
            self._send(client, {"result": None, "id": said["id"]})
        elif method == "UNSUBSCRIBE":
            client.streams.difference_update(said["params"])
            self._send(client, {"result": None, "id": said["id"]})
        elif method == "userDataStream.subscribe.signature":
            try:
                self._check(dict(said["params"]))
            except Refusal as refusal:
                error = {"code": refusal.code, "msg": refusal.message}
                self._send(client, {"id": said["id"], "status": refusal.status, "error": error})
                return
            client.of_account = True
            self._send(client, {"id": said["id"], "status": 200, "result": {"subscriptionId": 0}})
        else:
            self._send(client, {"error": {"code": 2, "msg": "Invalid request: unknown method"}, "id": said.get("id")})

    def _check(self, params: dict[str, Any]) -> None:
        key, secret = self._credentials
        signature = params.pop("signature", "")
        query = "&".join(f"{name}={params[name]}" for name in sorted(params))
        if params.get("apiKey") != key:
            raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        if signature != hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest():
            raise Refusal(-1022, "Signature for this request is not valid.", 400)
