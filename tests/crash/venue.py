"""A venue in a process of its own: lines of JSON over a socket, and books that outlive whoever trades there."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from typing import Any

import attrs

from .script import AMENDED, SYMBOLS, TICKS, Fate

CASH = 1_000_000.0
FULL = {Fate.FILL, Fate.PARTS, Fate.FILL_FIRST, Fate.TWICE, Fate.LOSE_ACK, Fate.AWAY}


@attrs.define
class VenueOrder:
    """An order in the venue's books."""

    order_id: str
    symbol: str
    side: str
    quantity: float
    number: int
    limit_price: float | None = None
    filled: float = 0.0
    state: str = "working"


@attrs.define
class Books:
    """What the venue knows: the truth that the engine's journal is compared with."""

    orders: dict[str, VenueOrder] = attrs.field(factory=dict)
    fills: list[dict[str, Any]] = attrs.field(factory=list)
    submissions: list[str] = attrs.field(factory=list)
    """The ids of the orders that arrived, each as often as it did, refused ones too."""
    cash: float = CASH
    positions: dict[str, float] = attrs.field(factory=dict)
    tick: int = 1
    peak_working: int = 0
    """The most orders that worked at once."""
    peak_held: float = 0.0
    """The most of one symbol that was held or short."""


class Venue:
    """Takes orders, fills them as their quantity says, and hands out ticks one at a time."""

    def __init__(self, clock: Any) -> None:
        self.books = Books()
        self._clock = clock
        self._lines: set[asyncio.StreamWriter] = set()
        self._listening: set[asyncio.StreamWriter] = set()

    async def serve(self, listening: socket.socket) -> None:
        """Serve until cancelled."""
        server = await asyncio.start_server(self._connected, sock=listening)
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        try:
            async for line in reader:
                request = json.loads(line)
                answer = getattr(self, f"_do_{request['do']}")(request, writer)
                if answer is not None:
                    self._send(writer, {"id": request["id"], **answer})
                self._after(request, writer)
        except ConnectionError:
            pass
        finally:
            self._lines.discard(writer)
            self._listening.discard(writer)
            writer.close()

    # ------------------------------------------------------------------ requests

    def _do_submit(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> dict[str, Any] | None:
        order_id, fate = request["order_id"], request["quantity"]
        self.books.submissions.append(order_id)
        known = self.books.orders.get(order_id)
        if known is not None:
            return {"venue_id": known.number}
        if fate == Fate.REJECT:
            return {"refused": "the account has no credit", "code": "no_credit"}
        number = len(self.books.orders) + 1
        order = VenueOrder(order_id, request["symbol"], request["side"], fate, number, request["limit_price"])
        self.books.orders[order_id] = order
        working = sum(each.state == "working" for each in self.books.orders.values())
        self.books.peak_working = max(self.books.peak_working, working)
        if fate == Fate.FILL_FIRST:
            self._fill(order, fate)
        if fate == Fate.LOSE_ACK:
            writer.transport.abort()
            self._fill(order, fate)
            return None
        return {"venue_id": number}

    def _after(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """Do what comes after the answer."""
        if request["do"] != "submit":
            return
        order = self.books.orders.get(request["order_id"])
        if order is None or order.filled or order.state != "working":
            return
        fate = order.quantity
        if fate == Fate.AWAY:
            writer.transport.abort()
            self._listening.discard(writer)
        if fate in {Fate.PARTS, Fate.PART_RESTS}:
            self._fill(order, 40.0)
        if fate in FULL:
            self._fill(order, order.quantity - order.filled, twice=fate == Fate.TWICE)

    def _do_cancel(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> dict[str, Any]:
        order = self.books.orders.get(request["order_id"])
        if order is None or order.state != "working":
            return {"refused": "there is nothing to cancel", "code": "not_working"}
        order.state = "cancelled"
        self._push({"push": "order", **attrs.asdict(order)})
        return {"ok": True}

    def _do_replace(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> dict[str, Any]:
        order = self.books.orders.get(request["order_id"])
        if order is None or order.state != "working":
            return {"refused": "there is nothing to amend", "code": "not_working"}
        order.quantity = request["quantity"]
        self._push({"push": "order", **attrs.asdict(order)})
        if order.quantity == AMENDED:
            self._fill(order, order.quantity - order.filled)
        return {"ok": True}

    def _do_find(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> dict[str, Any]:
        order = self.books.orders.get(request["order_id"])
        return {"order": None if order is None else attrs.asdict(order)}

    def _do_snapshot(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> dict[str, Any]:
        books = self.books
        working = [attrs.asdict(order) for order in books.orders.values() if order.state == "working"]
        fills = [fill for fill in books.fills if fill["time"] >= request["since"]]
        return {"cash": books.cash, "positions": books.positions, "orders": working, "fills": fills}

    def _do_listen(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> dict[str, Any]:
        self._listening.add(writer)
        return {"ok": True}

    def _do_tick(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> dict[str, Any]:
        """The tick after the one that is done; whoever starts anew, with 0, gets the current one again."""
        if request["done"] == self.books.tick:
            self.books.tick = min(self.books.tick + 1, TICKS + 1)
        tick = self.books.tick
        return {"tick": tick, "symbol": SYMBOLS[tick % len(SYMBOLS)], "price": price(tick)}

    def _do_books(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> dict[str, Any]:
        return attrs.asdict(self.books)

    # ------------------------------------------------------------------ trading

    def _fill(self, order: VenueOrder, quantity: float, *, twice: bool = False) -> None:
        books = self.books
        order.filled += quantity
        if order.filled >= order.quantity:
            order.state = "filled"
        fill = {
            "execution_id": f"x{len(books.fills) + 1}",
            "order_id": order.order_id,
            "symbol": order.symbol,
            "side": order.side,
            "quantity": quantity,
            "price": price(books.tick),
            "time": self._clock.now(),
            "commission": 1.0,
            "venue_order_id": str(order.number),
        }
        books.fills.append(fill)
        signed = quantity if order.side == "buy" else -quantity
        books.positions[order.symbol] = books.positions.get(order.symbol, 0.0) + signed
        books.cash -= signed * fill["price"] + fill["commission"]
        books.peak_held = max(books.peak_held, abs(books.positions[order.symbol]))
        for _ in range(1 + twice):
            self._push({"push": "fill", **fill})
        self._push({"push": "order", **attrs.asdict(order)})

    def _push(self, message: dict[str, Any]) -> None:
        for writer in list(self._listening):
            self._send(writer, message)

    def _send(self, writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
        if not writer.is_closing():
            writer.write(json.dumps(message).encode() + b"\n")


def price(tick: int) -> float:
    """Return what a symbol trades at when the session is at a tick."""
    return 100.0 + tick / 100


class VenueProcess:
    """The venue, forked off; `books` asks it for them."""

    def __init__(self, clock: Any) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = listening.getsockname()[1]
        self.pid = os.fork()
        if self.pid == 0:
            try:
                asyncio.run(Venue(clock).serve(listening))
            finally:
                os._exit(0)
        listening.close()

    def books(self) -> Books:
        """Return the venue's books as they are now."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as line:
            line.sendall(b'{"id": 0, "do": "books"}\n')
            answer = json.loads(line.makefile().readline())
        del answer["id"]
        orders = {order_id: VenueOrder(**order) for order_id, order in answer.pop("orders").items()}
        return Books(orders=orders, **answer)

    def close(self) -> None:
        """End the process."""
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
