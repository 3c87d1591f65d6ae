"""The simulated Alpaca: one port, one thread, one account."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ml4t.live.times import NANOS
from ml4t_live_alpaca.simulator.books import Books, Execution
from ml4t_live_alpaca.simulator.config import AlpacaSimulatorConfig
from ml4t_live_alpaca.simulator.exchange import ALL, Exchange
from ml4t_live_alpaca.simulator.faults import Faults, Loss
from ml4t_live_alpaca.simulator.intake import Refusal
from ml4t_live_alpaca.simulator.market import MarketData
from ml4t_live_alpaca.simulator.orders import VenueOrder, plain
from ml4t_live_alpaca.simulator.rest import Api, Took
from ml4t_live_alpaca.simulator.statement import Statement
from ml4t_live_alpaca.simulator.tape import Tape
from ml4t_live_alpaca.simulator.updates import Updates
from ml4t_live_alpaca.simulator.walk import market_of
from ml4t_live_alpaca.simulator.wire import Listener, Request, Response, WebSocket
from ml4t_live_alpaca.symbols import is_crypto

HEAD_START_SECONDS = 0.05
"""How long an acknowledgement waits for the news of an execution to arrive first."""


class SimulatedAlpaca:
    """Serves the account and its market. Everything below runs on the simulator's own thread."""

    def __init__(self, config: AlpacaSimulatorConfig) -> None:
        self.config = config
        self.requests = 0
        """How many requests to submit, replace or cancel an order have arrived."""
        self.rng = random.Random(config.seed)  # noqa: S311 - a simulation is reproduced by its seed
        prefix = "PK" if config.kind == "paper" else "AK"
        self.keys = (f"{prefix}{self.rng.getrandbits(72):018X}", f"{self.rng.getrandbits(160):040x}")
        self.faults = Faults(random.Random(config.seed + 1))  # noqa: S311
        self.updates = Updates(self.keys, binary=config.kind == "paper", now=time.time_ns, faults=self.faults)
        self.market = MarketData(self.keys, self.faults, sip=config.sip)
        self.tape = Tape(time.time_ns, config.bar)
        prices = {symbol: Decimal(str(config.price * (100 if is_crypto(symbol) else 1))) for symbol in config.symbols}
        number = f"{'PA' if config.kind == 'paper' else ''}{self.rng.getrandbits(40):012d}"
        self.exchange = Exchange(Books(number, Decimal(str(config.cash))), prices, time.time_ns, self.updates.tell, self.rng)
        self.exchange.largest_fill = Decimal(str(config.largest_fill)) if config.largest_fill else ALL
        self.statement = Statement(self.exchange)
        self.api = Api(self.exchange, self.tape, time.time_ns, requests_per_minute=config.requests_per_minute, sip=config.sip)
        self.listener = Listener(self._answer, self._accept)
        self._walking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Listen, and let prices move."""
        await self.listener.open(self.config.port)
        if not self.config.still:
            self._walking = asyncio.get_running_loop().create_task(self._walk(), name="prices")

    async def restart(self) -> None:
        """Hang up on everybody, and come back on the same port with the same books."""
        port = self.listener.port
        await self.listener.stop()
        self.listener.drop()
        await self.listener.open(port)

    def trade(self, symbol: str, price: float, size: float) -> dict[str, Any]:
        """Let a trade happen: whoever listens hears of it, and orders meet its price."""
        record = self.tape.trade(symbol, price, size)
        self.market.push(record)
        self.exchange.move(symbol, Decimal(str(price)))
        return record

    def execute(self, order_id: str, quantity: float, price: float, fee: float = 0.0) -> str:
        """Trade that much of an order of ours; return the framework's id of the execution."""
        order = self.exchange.head(self.statement.order(order_id))
        execution = self.exchange.execute(order, Decimal(str(quantity)), Decimal(str(price)))
        self.exchange.books.charge(Decimal(str(fee)))
        return execution.name

    def repeat(self, execution: Execution) -> None:
        """Tell of an execution again."""
        event = "partial_fill" if execution.leaves_qty else "fill"
        order = {**execution.order.as_json(), "filled_qty": plain(execution.cum_qty)}
        self.updates.tell_again(event, order, **execution.news())

    def correct(self, execution: Execution, price: Decimal) -> None:
        """Book and tell that an execution had another price, as Alpaca's event `trade_correct` does."""
        self.exchange.books.correct(execution, price)
        corrected = {**execution.news(), "execution_id": self.exchange.new_id(), "previous_execution_id": execution.id}
        self.updates.tell("trade_correct", execution.order, **corrected)

    async def _walk(self) -> None:
        market = market_of(self.config, {symbol: float(price) for symbol, price in self.exchange.prices.items()}, self.rng)
        for trades in market:
            await asyncio.sleep(self.config.tick / NANOS)
            for symbol, price, size in trades:
                self.trade(symbol, price, size)
            self.market.push(*self.tape.close_bars())

    # ------------------------------------------------------------------ the wire

    async def _accept(self, socket: WebSocket) -> None:
        if socket.path == "/stream":
            await self.updates.serve(socket)
        else:
            await self.market.serve(socket)

    async def _answer(self, request: Request) -> Response | None:
        changes = request.method in {"POST", "PATCH", "DELETE"}
        self.requests += changes
        loss = self.faults.losses.popleft() if self.faults.losses and request.method == "POST" else None
        if loss is Loss.REQUEST:
            return None
        response = await self._respond(request, loss)
        if self.faults.delay_seconds:
            await asyncio.sleep(self.faults.delay_seconds)
        if loss is Loss.ANSWER:
            return None
        if self.faults.muted or loss is Loss.SILENCE:
            await self.faults.unmuted.wait()
            return None
        return response

    async def _respond(self, request: Request, loss: Loss | None) -> Response:
        scripted = self.faults.script(request.method, request.path)
        if scripted is not None:
            return _json(scripted.status, scripted.body)
        keys = (request.headers.get("apca-api-key-id"), request.headers.get("apca-api-secret-key"))
        if keys != self.keys:
            return _json(403, {"code": 40310000, "message": "forbidden."})
        if self.api.limited():
            return _json(429, {"code": 42910000, "message": "rate limit exceeded"})
        try:
            if request.method == "POST" and self.faults.rejections:
                raise Refusal(403, 40310000, self.faults.rejections.popleft())
            answered = self.api.answer(request)
        except Refusal as refusal:
            return _json(refusal.status, refusal.answer)
        if isinstance(answered, Took):
            return await self._take(answered, loss)
        self.faults.follow(request.path)
        status, body = answered
        cut = self.faults.partial and request.path == "/v2/positions"
        return Response(status, b"" if body is None else json.dumps(body).encode(), cut=cut)

    async def _take(self, took: Took, loss: Loss | None) -> Response:
        """Let what was asked for happen: the answer says how the order stood before it met the market."""
        if loss is not None:
            self.updates.silence(took.order)
        body = took.order.as_json()
        if self.faults.fill_first:
            self.faults.fill_first = False
            self._fill(took.order)
            body = took.order.as_json()
            await asyncio.sleep(HEAD_START_SECONDS)
        else:
            asyncio.get_running_loop().call_soon(took.change)
        return _json(504, {"message": "gateway timeout"}) if loss is Loss.GATEWAY else _json(200, body)

    def _fill(self, order: VenueOrder) -> None:
        order.status = "new"
        self.exchange.execute(order, order.remaining, self.exchange.prices[order.symbol])


def _json(status: int, body: Mapping[str, Any]) -> Response:
    return Response(status, json.dumps(body).encode())
