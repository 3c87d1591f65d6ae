"""OKX as it runs: the exchange, its market, and the port that both are reached at."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import web

from ml4t.live.errors import ConfigError
from ml4t.live.times import NANOS
from ml4t_live_okx.signing import signature
from ml4t_live_okx.simulator.algo import VenueAlgo
from ml4t_live_okx.simulator.algos import Algos
from ml4t_live_okx.simulator.api import PREFIX, Api, Took
from ml4t_live_okx.simulator.books import Books, Refusal
from ml4t_live_okx.simulator.config import OKXSimulatorConfig
from ml4t_live_okx.simulator.exchange import ALL, Exchange
from ml4t_live_okx.simulator.faults import Faults, Loss
from ml4t_live_okx.simulator.history import MarketHistory
from ml4t_live_okx.simulator.instruments import catalogue
from ml4t_live_okx.simulator.listener import Listener, hang_up
from ml4t_live_okx.simulator.market import Market
from ml4t_live_okx.simulator.orders import VenueOrder
from ml4t_live_okx.simulator.sockets import ALGOS, Sockets
from ml4t_live_okx.simulator.statement import Statement
from ml4t_live_okx.simulator.tape import Tape

HEAD_START_SECONDS = 0.05
"""How far an execution is ahead of the acknowledgement of its order, when that is asked for."""
WRONG_TIME_SECONDS = 30.0
"""How far the time of a request may be from the venue's clock."""
OPEN = ("public/", "market/", "system/")
"""What needs no key."""
_ACTIONS = {
    "trade/order": "place",
    "trade/batch-orders": "place",
    "trade/cancel-order": "cancel",
    "trade/cancel-batch-orders": "cancel",
    "trade/amend-order": "amend",
    "trade/amend-batch-orders": "amend",
    "trade/order-algo": "place_algos",
    "trade/cancel-algos": "cancel_algos",
    "trade/amend-algos": "amend_algos",
}
"""What is done with orders, by path."""
_OPERATIONS = {
    "order": "trade/order",
    "batch-orders": "trade/batch-orders",
    "cancel-order": "trade/cancel-order",
    "batch-cancel-orders": "trade/cancel-batch-orders",
    "amend-order": "trade/amend-order",
    "batch-amend-orders": "trade/amend-batch-orders",
}
"""What can be asked for on the private websocket, with the path of the request that is the same."""


class SimulatedOKX:
    """Everything that runs on the simulator's loop."""

    def __init__(self, config: OKXSimulatorConfig) -> None:
        self.config = config
        self.rng = random.Random(config.seed)  # noqa: S311 - chance, not secrets
        self.faults = Faults(random.Random(f"{config.seed} faults"))  # noqa: S311 - chance, not secrets
        self.credentials = tuple(f"{name}-{self.rng.getrandbits(96):024x}" for name in ("key", "secret", "phrase"))
        self.requests = 0
        listed = catalogue(time.time_ns())
        prices = dict.fromkeys(listed, Decimal(repr(config.price)))
        books = Books({"USDT": Decimal(repr(config.cash))}, Decimal(repr(config.fee)), config.fee_in_quote)
        self.exchange = Exchange(
            books, listed, prices, position_mode=config.position_mode, now=self.now, tell=self._tell, rng=self.rng
        )
        if config.largest_fill:
            self.exchange.largest_fill = Decimal(repr(config.largest_fill)) or ALL
        self.tape = Tape(self.now, 700_000_000 + self.rng.randrange(10**6))
        self.history = MarketHistory(self.exchange, self.tape, self.now)
        self.algos = Algos(self.exchange, self.now, self._tell_algo, self.rng)
        self.api = Api(self.exchange, self.algos, self.history, self.now)
        self.statement = Statement(self.exchange, self.algos)
        self.sockets = Sockets(
            (self.credentials[0], self.credentials[1], self.credentials[2]),
            self.faults,
            self.now,
            knows=lambda instrument: instrument in listed and listed[instrument].state == "live",
            operate=self._operate,
            silence_seconds=config.silence / NANOS,
            operations_per_hour=config.operations_per_hour,
        )
        limit = config.connections_per_second
        self.listener = Listener(self._answer, self.sockets.serve, connections_per_second=limit)
        self.market = Market(config, self.exchange, self.algos, self.tape, self.history, self.sockets, self.rng)
        self._frames = _recorded(config.replay) if config.replay else []
        self._recent: deque[float] = deque()
        self._running: asyncio.Task[None] | None = None

    def now(self) -> int:
        """Return the venue's time in milliseconds UTC."""
        return time.time_ns() // 1_000_000 + self.faults.clock_ahead

    async def open(self) -> None:
        """Listen, and let the market begin."""
        await self.listener.open(self.config.port)
        if self._frames:
            self._running = asyncio.get_running_loop().create_task(self.market.replay(self._frames))
        elif not self.config.still:
            self._running = asyncio.get_running_loop().create_task(self.market.walk())

    async def restart(self) -> None:
        """Stop listening, hang up on everybody, and listen again on the same port."""
        port = self.listener.port
        await self.listener.stop()
        self.listener.drop()
        await self.listener.open(port)

    # ------------------------------------------------------------------ the wire

    def _tell(self, order: VenueOrder) -> None:
        self.sockets.push_order(order.id, order.instrument_type, order.as_push())
        self.algos.heed(order)

    def _tell_algo(self, algo: VenueAlgo) -> None:
        self.sockets.push_order(algo.id, algo.instrument_type, algo.as_push(), ALGOS)

    async def _operate(self, operation: str, args: list[dict[str, Any]]) -> dict[str, Any]:
        """Do what arrives on the private websocket."""
        path = _OPERATIONS.get(operation)
        if path is None:
            return {"code": "60012", "msg": f"Illegal request: {operation}", "data": []}
        self.requests += 1
        took = self._take(path, args)
        self._happen(took)
        return took.envelope(batch="batch" in path)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(PREFIX)
        body = await request.read()
        orders = request.method == "POST" and path in _ACTIONS
        self.requests += orders
        loss = self.faults.losses.popleft() if self.faults.losses and orders else None
        if loss is Loss.REQUEST:
            return _cut(request)
        response = await self._respond(request, path, body, loss)
        if self.faults.delay_seconds:
            await asyncio.sleep(self.faults.delay_seconds)
        if loss is Loss.ANSWER:
            return _cut(request)
        if self.faults.muted or loss is Loss.SILENCE:
            await self.faults.unmuted.wait()
            return _cut(request)
        if self.faults.partial and path in {"account/balance", "account/positions"}:
            return await _broken(request, response)
        return response

    async def _respond(self, request: web.Request, path: str, body: bytes, loss: Loss | None) -> web.Response:
        scripted = self.faults.script(path)
        if scripted is not None:
            return web.json_response(scripted.body, status=scripted.status)
        try:
            if not path.startswith(OPEN):
                self._check_keys(request, body)
            self._check_rate()
            if request.method == "POST":
                return await self._change(path, json.loads(body), loss)
            data = self.api.read(path, request.query)
        except Refusal as refusal:
            answer = {"code": refusal.code, "msg": refusal.message, "data": []}
            return web.json_response(answer, status=refusal.status)
        response = web.json_response({"code": "0", "msg": "", "data": data})
        self.faults.follow(path)
        return response

    async def _change(self, path: str, body: Any, loss: Loss | None) -> web.Response:
        """Let what was asked for happen: the answer says how the orders stood before they met the market."""
        if path not in _ACTIONS:
            return web.json_response({"code": "0", "msg": "", "data": self.api.configure(path, body)})
        took = self._take(path, body if isinstance(body, list) else [body])
        if loss is not None:
            for client in self.sockets.clients:
                client.untold.update(order.id for order in took.orders)
        if self.faults.fill_first and took.changes:
            self.faults.fill_first = False
            for order in took.orders:
                if isinstance(order, VenueOrder):
                    self.exchange.execute(order, order.remaining, self.exchange.prices[order.listed.id])
            await asyncio.sleep(HEAD_START_SECONDS)
        else:
            self._happen(took)
        if loss is Loss.GATEWAY:
            return web.Response(status=504, text="gateway timeout")
        return web.json_response(took.envelope(batch="batch" in path))

    def _take(self, path: str, bodies: Sequence[Mapping[str, Any]]) -> Took:
        def reject() -> str:
            return self.faults.rejections.popleft() if self.faults.rejections else ""

        api = self.api
        return {
            "place": lambda: api.place(bodies, reject),
            "cancel": lambda: api.cancel(bodies),
            "amend": lambda: api.amend(bodies),
            "place_algos": lambda: api.place_algos(bodies, reject),
            "cancel_algos": lambda: api.cancel_algos(bodies),
            "amend_algos": lambda: api.amend_algos(bodies),
        }[_ACTIONS[path]]()

    @staticmethod
    def _happen(took: Took) -> None:
        for change in took.changes:
            asyncio.get_running_loop().call_soon(change)

    def _check_keys(self, request: web.Request, body: bytes) -> None:
        key, secret, passphrase = self.credentials
        said = {name: request.headers.get(f"OK-ACCESS-{name}", "") for name in ("KEY", "SIGN", "TIMESTAMP", "PASSPHRASE")}
        if said["KEY"] != key:
            raise Refusal("50111", "Invalid OK-ACCESS-KEY", 401)
        demo = request.headers.get("x-simulated-trading") == "1"
        if demo != (self.config.kind == "paper"):
            raise Refusal("50101", "APIKey does not match current environment.", 401)
        if abs(_seconds(said["TIMESTAMP"]) - self.now() / 1000) > WRONG_TIME_SECONDS:
            raise Refusal("50102", "Timestamp request expired", 401)
        if said["SIGN"] != signature(secret, said["TIMESTAMP"] + request.method + request.path_qs + body.decode()):
            raise Refusal("50113", "Invalid Sign", 401)
        if said["PASSPHRASE"] != passphrase:
            raise Refusal("50105", "Request header OK-ACCESS-PASSPHRASE incorrect.", 401)

    def _check_rate(self) -> None:
        now, limit = time.monotonic(), self.config.requests_per_second
        while self._recent and self._recent[0] < now - 1.0:
            self._recent.popleft()
        if limit and len(self._recent) >= limit:
            raise Refusal("50011", "Too Many Requests", 429)
        self._recent.append(now)


def _recorded(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError([f"replay: {path} cannot be read: {error.strerror}"]) from None


def _seconds(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise Refusal("50112", "Invalid OK-ACCESS-TIMESTAMP", 401) from None


def _cut(request: web.Request) -> web.Response:
    """Hang up in place of an answer."""
    hang_up(request.transport)
    return web.Response()


async def _broken(request: web.Request, response: web.Response) -> web.StreamResponse:
    """Send the first half of an answer, and hang up."""
    body = response.body if isinstance(response.body, bytes) else b""
    stream = web.StreamResponse(headers={"Content-Length": str(len(body)), "Content-Type": "application/json"})
    await stream.prepare(request)
    await stream.write(body[: len(body) // 2])
    hang_up(request.transport)
    return stream
