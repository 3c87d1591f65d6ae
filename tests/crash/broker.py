"""A broker and a feed over the venue's socket, as a plugin's author would write them, with the points marked."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Any

from ml4t.live.contracts import BrokerCapabilities, BrokerSink, BrokerSnapshot, OrderUpdate, Sink
from ml4t.live.errors import BrokerConnectionError, BrokerRefused, FeedDisconnected, OutcomeUnknown
from ml4t.live.model import Account, Fill, Order, OrderSide, OrderState, OrderType, Position, Terms, TimeInForce, Trade
from ml4t.live.times import NANOS

from .points import Course
from .script import SYMBOLS

VENUE, ACCOUNT = "crash", "c-1"


class Line:
    """One connection: requests that get an answer, and messages that come by themselves."""

    def __init__(self, course: Course, on_push: Callable[[dict[str, Any]], None] | None = None) -> None:
        self._course = course
        self._on_push = on_push
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self.lost = asyncio.Event()

    async def open(self, port: int) -> None:
        """Connect. Raises OSError when nobody is there."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        self._reading = asyncio.get_running_loop().create_task(self._read(reader))

    async def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Return the answer. Raises BrokerRefused, or OutcomeUnknown when the line went before it came."""
        if self.lost.is_set():
            raise BrokerConnectionError("the line is down")
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        self._course.reach(f"send.{do}.before")
        self._writer.write(json.dumps({"id": number, "do": do, **request}).encode() + b"\n")
        await self._writer.drain()
        self._course.reach(f"send.{do}.after")
        try:
            answer = await self._answers[number]
        finally:
            del self._answers[number]
        if "refused" in answer:
            raise BrokerRefused(answer["refused"], code=answer["code"])
        return answer

    async def close(self) -> None:
        """Let go of the line."""
        self._reading.cancel()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            async for line in reader:
                message = json.loads(line)
                kind = message.get("push", "answer")
                self._course.reach(f"receive.{kind}.before")
                waiting = self._answers.get(message.get("id", 0))
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
                elif self._on_push is not None and "push" in message:
                    self._on_push(message)
                self._course.reach(f"receive.{kind}.after")
        except OSError:
            pass
        finally:
            self.lost.set()
            for waiting in self._answers.values():
                if not waiting.done():
                    waiting.set_exception(OutcomeUnknown("the line went down before the answer came"))


class LineBroker:
    """The broker contract over a `Line`."""

    capabilities = BrokerCapabilities(
        order_types=frozenset({OrderType.MARKET, OrderType.LIMIT}), times_in_force=frozenset({TimeInForce.GTC}), replace=True
    )

    def __init__(self, port: int, course: Course, clock: Any) -> None:
        self._port = port
        self._course = course
        self._clock = clock
        self._line: Line | None = None
        self._sink: BrokerSink | None = None
        self._early: list[dict[str, Any]] = []

    async def connect(self) -> BrokerSnapshot:
        """Connect and return the account."""
        self._early.clear()
        self._line = Line(self._course, self._pushed)
        try:
            await self._line.open(self._port)
        except OSError as error:
            raise BrokerConnectionError(f"the venue does not answer: {error}") from error
        await self._ask("listen")
        return await self.snapshot(0)

    async def submit(self, order: Order) -> str:
        """Send an order."""
        answer = await self._ask(
            "submit",
            order_id=order.order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=order.quantity,
            limit_price=order.limit_price,
        )
        return str(answer["venue_id"])

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel."""
        await self._ask("cancel", order_id=order.order_id)

    async def replace(self, order: Order, *, quantity: float, limit_price: float | None, stop_price: float | None) -> None:
        """Ask for another quantity."""
        await self._ask("replace", order_id=order.order_id, quantity=quantity)

    async def snapshot(self, since: int) -> BrokerSnapshot:
        """Return the account with the fills since `since`."""
        answer = await self._ask("snapshot", since=since)
        now = self._clock.now()
        account = Account(ACCOUNT, "paper", "USD", answer["cash"], answer["cash"], now)
        positions = [Position(symbol, quantity, 0.0) for symbol, quantity in answer["positions"].items() if quantity]
        return BrokerSnapshot(account, positions, [_working(o) for o in answer["orders"]], [_fill(f) for f in answer["fills"]])

    async def run(self, sink: BrokerSink) -> None:
        """Deliver what the venue says until the line goes."""
        assert self._line is not None
        self._sink = sink
        for message in self._early:
            self._pushed(message)
        try:
            await self._line.lost.wait()
        finally:
            self._sink = None
        raise BrokerConnectionError("the line went down")

    async def close(self) -> None:
        """Let go of the line."""
        if self._line is not None:
            await self._line.close()
            self._line = None

    async def _ask(self, do: str, **request: Any) -> dict[str, Any]:
        if self._line is None:
            raise BrokerConnectionError("not connected")
        return await self._line.ask(do, **request)

    def _pushed(self, message: dict[str, Any]) -> None:
        if self._sink is None:
            self._early.append(message)
        elif message["push"] == "fill":
            self._sink.fill(_fill(message))
        else:
            self._sink.order(_update(message, self._clock.now()))


class SearchingBroker(LineBroker):
    """The same, which can look up one order."""

    async def find(self, order: Order) -> OrderUpdate | None:
        """Return how an order stands, None when the venue never had it."""
        answer = await self._ask("find", order_id=order.order_id)
        return None if answer["order"] is None else _update(answer["order"], self._clock.now())


class TickFeed:
    """Asks for one tick after the other, the next when what the last one led to has left the house."""

    historical = False
    symbols = SYMBOLS

    def __init__(
        self,
        port: int,
        course: Course,
        start: int,
        settled: Callable[[int], Awaitable[None]],
        is_over: Callable[[int], bool],
    ) -> None:
        self._port = port
        self._course = course
        self._start = start
        self._settled = settled
        self._is_over = is_over
        self._done = 0
        """The last tick that was pushed: a feed that is lost goes on after it, and only a new process gets it again."""

    async def run(self, sink: Sink) -> None:
        """Push ticks until the session is over."""
        line = Line(self._course)
        try:
            await line.open(self._port)
        except OSError as error:
            raise FeedDisconnected(str(error)) from error
        try:
            while True:
                await self._settled(self._done)
                answer = await line.ask("tick", done=self._done)
                self._done = done = answer["tick"]
                # The moment of a tick is its own: told again after a crash it leads to the same decisions.
                sink.push(Trade(answer["symbol"], self._start + done * NANOS, answer["price"], float(done)))
                await self._settled(done)
                if self._is_over(done):
                    return
        finally:
            await line.close()


def _update(order: dict[str, Any], now: int) -> OrderUpdate:
    state = OrderState.PARTIALLY_FILLED if order["state"] == "working" and order["filled"] else OrderState(order["state"])
    return OrderUpdate(
        order["order_id"],
        state,
        now,
        str(order["number"]),
        order["filled"],
        terms=Terms(order["quantity"], order["limit_price"]),
    )


def _working(order: dict[str, Any]) -> Order:
    return Order(
        order["order_id"],
        order["symbol"],
        OrderSide(order["side"]),
        order["quantity"],
        limit_price=order["limit_price"],
        state=OrderState.WORKING,
        venue_order_id=str(order["number"]),
        filled_quantity=order["filled"],
    )


def _fill(fill: dict[str, Any]) -> Fill:
    return Fill(
        fill["execution_id"],
        fill["order_id"],
        fill["symbol"],
        OrderSide(fill["side"]),
        fill["quantity"],
        fill["price"],
        fill["time"],
        fill["commission"],
        VENUE,
        ACCOUNT,
        fill["venue_order_id"],
    )
