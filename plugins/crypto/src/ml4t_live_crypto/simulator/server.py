"""Binance as it runs: the exchange, its market, and the port that both are reached at."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
import time
from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from ml4t.live.times import NANOS
from ml4t_live_crypto.simulator.api import PUBLIC, Api
from ml4t_live_crypto.simulator.config import BinanceSimulatorConfig
from ml4t_live_crypto.simulator.exchange import Exchange, Refusal
from ml4t_live_crypto.simulator.faults import Faults, Loss
from ml4t_live_crypto.simulator.listener import Listener, hang_up
from ml4t_live_crypto.simulator.orders import VenueOrder
from ml4t_live_crypto.simulator.pairs import catalogue
from ml4t_live_crypto.simulator.replay import Replay
from ml4t_live_crypto.simulator.streams import Streams
from ml4t_live_crypto.simulator.tape import LENGTHS, Tape

HEAD_START_SECONDS = 0.05
"""How far an execution is ahead of the acknowledgement of its order, when that is asked for."""
LATE_MILLIS = 5000
"""How old a request may be unless it says other, which none may by more than a minute."""
EARLY_MILLIS = 1000
VERSION = "api/v3/"


class SimulatedBinance:
    """Everything that runs on the simulator's loop."""

    def __init__(self, config: BinanceSimulatorConfig) -> None:
        self.config = config
        self.rng = random.Random(config.seed)  # noqa: S311 - chance, not secrets
        self.faults = Faults()
        self.credentials = (f"key-{self.rng.getrandbits(96):024x}", f"secret-{self.rng.getrandbits(96):024x}")
        self.requests = 0
        self.exchange = Exchange(
            catalogue(),
            Decimal(repr(config.cash)),
            Decimal(repr(config.price)),
            Decimal(repr(config.fee)),
            fee_in_quote=config.fee_in_quote,
            now=self.now,
            tell=self._tell,
            first_id=4_000_000 + self.rng.randrange(10**6),
        )
        self.tape = Tape(self.now, 26_000_000 + self.rng.randrange(10**6))
        self.api = Api(self.exchange, self.tape, self.now)
        self.streams = Streams(self.credentials, self.faults)
        self.listener = Listener(self._answer, self.streams.serve)
        self._recent: deque[float] = deque()
        self._replay = Replay(config.replay, config.replay_speed) if config.replay else None
        self._running: asyncio.Task[None] | None = None

    def now(self) -> int:
        """Return the venue's time in milliseconds UTC."""
        return time.time_ns() // 1_000_000 + self.faults.clock_ahead

    async def open(self) -> None:
        """Listen, and let the market begin."""
        await self.listener.open(self.config.port)
        market = self._replay.run(self.streams) if self._replay else None if self.config.still else self._walk()
        if market is not None:
            self._running = asyncio.get_running_loop().create_task(market)

    async def restart(self) -> None:
        """Stop listening, hang up on everybody, and listen again on the same port."""
        port = self.listener.port
        await self.listener.stop()
        self.listener.drop()
        await self.listener.open(port)

    # ------------------------------------------------------------------ the market

    def trade(self, pair: str, price: float, size: float) -> dict[str, Any]:
        """Let a trade happen: whoever listens hears of it, and orders meet its price."""
        record = self.tape.trade(pair, price, size, maker_bought=self.rng.random() < 0.5)
        name = pair.lower()
        self.streams.push(f"{name}@aggTrade", {"e": "aggTrade", "E": self.now(), "s": pair, **record})
        for interval in LENGTHS:
            running = self.tape.of(pair).running[interval]
            self.streams.push(f"{name}@kline_{interval}", running.push(pair, interval, self.now(), complete=False))
        self.exchange.move(pair, Decimal(repr(price)))
        self.streams.push(f"{name}@bookTicker", self.api.book(pair))
        return record

    def emit_candle(self, pair: str, interval: str, price: float, volume: float) -> int:
        """Let a complete candle happen; return its start in milliseconds UTC."""
        candle = self.tape.candle(pair, interval, price, volume)
        for complete in (False, True):
            said = candle.push(pair, interval, self.now(), complete=complete)
            self.streams.push(f"{pair.lower()}@kline_{interval}", said)
        return candle.start

    async def _walk(self) -> None:
        """Move every price by a normal step, again and again."""
        while True:
            await asyncio.sleep(self.config.tick / NANOS)
            for pair in self.exchange.pairs.values():
                if pair.status == "TRADING":
                    moved = float(self.exchange.prices[pair.id]) * (1.0 + self.rng.gauss(0.0, self.config.volatility))
                    price = max(pair.tick, Decimal(repr(moved)).quantize(pair.tick))
                    self.trade(pair.id, float(price), float(pair.lot * self.rng.randint(1, 500)))

    # ------------------------------------------------------------------ the wire

    def _tell(self, order: VenueOrder, report: dict[str, Any]) -> None:
        # Later, so that what was asked for is answered first.
        asyncio.get_running_loop().call_soon(self.streams.push_report, order.id, report)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        host, _, path = request.path.lstrip("/").partition("/")
        path = path.removeprefix(VERSION)
        order = path == "order" and request.method != "GET"
        self.requests += order
        loss = self.faults.losses.popleft() if self.faults.losses and order else None
        if loss is Loss.REQUEST:
            return _cut(request)
        response = await self._respond(request, host, path, loss)
        if self.faults.delay_seconds:
            await asyncio.sleep(self.faults.delay_seconds)
        if loss is Loss.ANSWER:
            return _cut(request)
        if self.faults.muted or loss is Loss.SILENCE:
            await self.faults.unmuted.wait()
            return _cut(request)
        if self.faults.partial and path == "account":
            return await _broken(request, response)
        return response

    async def _respond(self, request: web.Request, host: str, path: str, loss: Loss | None) -> web.Response:
        scripted = self.faults.script(path)
        if scripted is not None:
            return web.json_response(scripted.body, status=scripted.status)
        said = request.query_string or (await request.read()).decode()
        query = dict(parse_qsl(said))
        try:
            self._check_rate()
            if path not in PUBLIC:
                self._check_keys(request, host, said, query)
            if path == "order" and request.method == "POST":
                return await self._place(query, loss)
            if path == "order" and request.method == "DELETE":
                return web.json_response(self.exchange.cancel(self.api.find(query)).as_json())
            return web.json_response(self.api.read(path, query))
        except Refusal as refusal:
            return web.json_response({"code": refusal.code, "msg": refusal.message}, status=refusal.status)

    async def _place(self, query: Mapping[str, str], loss: Loss | None) -> web.Response:
        if self.faults.rejections:
            raise Refusal(-2010, self.faults.rejections.popleft())
        order = self.exchange.submit(query)
        if loss is not None:
            for client in self.streams.clients:
                client.untold.add(order.id)
        if self.faults.fill_first:
            self.faults.fill_first = False
            self.exchange.execute(order, order.remaining, self.exchange.prices[order.pair.id])
            await asyncio.sleep(HEAD_START_SECONDS)
        else:
            self.exchange.begin(order)
        if loss is Loss.GATEWAY:
            return web.Response(status=504, text="gateway timeout")
        return web.json_response({**order.as_json(), "transactTime": self.now(), "fills": []})

    def _check_keys(self, request: web.Request, host: str, said: str, query: Mapping[str, str]) -> None:
        key, secret = self.credentials
        is_test = "testnet" in host or "demo" in host
        if request.headers.get("X-MBX-APIKEY") != key or is_test != (self.config.kind == "paper"):
            raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        late = self.now() - int(query.get("timestamp", 0))
        if late < -EARLY_MILLIS or late > min(int(query.get("recvWindow", LATE_MILLIS)), 60_000):
            raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")
        signed, _, signature = said.rpartition("&signature=")
        if signature != hmac.new(secret.encode(), signed.encode(), hashlib.sha256).hexdigest():
            raise Refusal(-1022, "Signature for this request is not valid.")

    def _check_rate(self) -> None:
        now, limit = time.monotonic(), self.config.requests_per_second
        while self._recent and self._recent[0] < now - 1.0:
            self._recent.popleft()
        if limit and len(self._recent) >= limit:
            raise Refusal(-1003, "Too much request weight used; please use WebSocket Streams for live updates.", 429)
        self._recent.append(now)


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
