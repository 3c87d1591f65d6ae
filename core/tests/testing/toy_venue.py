"""A toy venue for orders: books of its own, and every fault that the conformance kit asks for."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import Any

import attrs
from toy_server import Client, Refusal, ToyServer

from ml4t.live.model import Fill, Order, OrderSide, OrderState, OrderType, TimeInForce
from ml4t.live.portfolio import Portfolio

CASH = 1_000_000.0


class ToyVenue(ToyServer):
    """Orders, executions and an account."""

    def __init__(self, kind: str = "paper") -> None:
        super().__init__()
        self.kind = kind
        self.requests = 0
        self._orders: dict[str, Order] = {}
        self._fills: dict[str, Fill] = {}
        self._prices: dict[str, float] = {}
        self._held = self._partial = self._early = False
        self._lose_answer = self._lose_request = False
        self._reject = ""
        self._silenced: set[Client] = set()
        self._numbers = itertools.count(1)

    # ------------------------------------------------------------------ what a scenario does

    def price(self, symbol: str, price: float) -> None:
        self.call(self._price, symbol, price)

    def hold(self, on: bool) -> None:
        self._held = on

    def execute(self, order_id: str, quantity: float, price: float, *, commission: float | None = 0.0) -> str:
        return self.call(self._execute, order_id, quantity, price, commission)

    def charge(self, execution_id: str, commission: float) -> None:
        self.call(self._change, execution_id, commission=commission)

    def repeat(self, execution_id: str) -> None:
        self.call(self._change, execution_id)

    def correct(self, execution_id: str, price: float) -> None:
        self.call(self._correct, execution_id, price)

    def execute_before_acknowledging(self) -> None:
        self._early = True

    def reject_next(self, reason: str) -> None:
        self._reject = reason

    def lose_next_answer(self) -> None:
        self._lose_answer = True

    def lose_next_request(self) -> None:
        self._lose_request = True

    def sync_partially(self, on: bool) -> None:
        self._partial = on

    def orders(self) -> Sequence[Order]:
        return list(self._orders.values())

    def fills(self) -> Sequence[Fill]:
        return [fill for fill in self._fills.values() if not self._is_replaced(fill)]

    def positions(self) -> dict[str, float]:
        return {symbol: position.quantity for symbol, position in self._book().positions.items()}

    def cash(self) -> float:
        return self._book().cash

    # ------------------------------------------------------------------ what a client asks

    def do_submit(self, client: Client, orders: list[dict[str, Any]]) -> dict[str, Any] | None:
        self.requests += 1
        if self._lose_request:
            self._lose_request = False
            return None
        if self._reject:
            reason, self._reject = self._reject, ""
            raise Refusal("rejected", reason)
        known = [self._orders[order["order_id"]] for order in orders if order["order_id"] in self._orders]
        if known:
            raise Refusal("duplicate", "there is an order of this id")
        if self._lose_answer:
            self._lose_answer = False
            self._silenced.add(client)
        taken = [self._take(order) for order in orders]
        early, self._early = self._early, False
        if early:
            self._execute(taken[0].order_id, taken[0].quantity, self._prices[taken[0].symbol], 0.0)
        answer = {"numbers": [order.venue_order_id for order in taken]}
        if client not in self._silenced:
            self._loop.call_soon(self._match)
            return answer
        self._match()
        return None

    def do_cancel(self, client: Client, order_id: str) -> dict[str, Any]:
        self.requests += 1
        order = self._open(order_id)
        self._end(order)
        for child in [each for each in self._orders.values() if each.parent_id == order.order_id and each.is_open]:
            self._end(child)
        return {}

    def do_replace(self, client: Client, order_id: str, quantity: float, limit_price: Any, stop_price: Any) -> dict[str, Any]:
        self.requests += 1
        order = self._open(order_id)
        changed = attrs.evolve(order, quantity=quantity, limit_price=limit_price, stop_price=stop_price)
        self._orders[order_id] = changed
        self._say(changed)
        self._match()
        return {}

    def do_find(self, client: Client, order_id: str) -> dict[str, Any]:
        order = self._orders.get(order_id)
        return {"order": None if order is None else attrs.asdict(order)}

    def do_snapshot(self, client: Client, since: int) -> dict[str, Any]:
        book = self._book()
        answer = {
            "kind": self.kind,
            "cash": book.cash,
            "positions": {symbol: position.quantity for symbol, position in book.positions.items()},
            "fills": [attrs.asdict(fill) for fill in self._fills.values() if fill.time >= since],
        }
        if not self._partial:
            answer["orders"] = [attrs.asdict(order) for order in self._orders.values() if order.is_open]
        return answer

    # ------------------------------------------------------------------ inside, on the server's thread

    def tell(self, **message: Any) -> None:
        loud = self.clients - self._silenced
        self._silenced &= self.clients
        if not self.muted:
            for client in loud:
                if client.is_in:
                    client.send(**message)

    def _take(self, said: dict[str, Any]) -> Order:
        order = Order(
            **said
            | {
                "side": OrderSide(said["side"]),
                "order_type": OrderType(said["order_type"]),
                "time_in_force": TimeInForce(said["time_in_force"]),
            },
            state=OrderState.WORKING,
            venue_order_id=f"v{next(self._numbers)}",
        )
        self._orders[order.order_id] = order
        return order

    def _open(self, order_id: str) -> Order:
        order = self._orders.get(order_id)
        if order is None or not order.is_open:
            raise Refusal("not_working", "there is no such working order")
        return order

    def _say(self, order: Order) -> None:
        self.tell(push="order", order=attrs.asdict(order))

    def _end(self, order: Order) -> None:
        self._orders[order.order_id] = attrs.evolve(order, state=OrderState.CANCELLED)
        self._say(self._orders[order.order_id])

    def _price(self, symbol: str, price: float) -> None:
        self._prices[symbol] = price
        self._match()

    def _match(self) -> None:
        for order in list(self._orders.values()):
            price = self._prices.get(order.symbol)
            if order.is_open and not self._held and price is not None and _trades(order, price):
                self._execute(order.order_id, order.remaining, price, 0.0)

    def _execute(self, order_id: str, quantity: float, price: float, commission: float | None) -> str:
        order = self._orders[order_id]
        fill = Fill(
            f"x{next(self._numbers)}",
            order_id,
            order.symbol,
            order.side,
            quantity,
            price,
            time.time_ns(),
            commission or 0.0,
            "toy",
            "t-1",
            order.venue_order_id,
        )
        self._fills[fill.execution_id] = fill
        filled = order.filled_quantity + quantity
        state = OrderState.FILLED if filled >= order.quantity else OrderState.PARTIALLY_FILLED
        self._orders[order_id] = attrs.evolve(order, filled_quantity=filled, state=state)
        self.tell(push="fill", fill=attrs.asdict(fill))
        self._say(self._orders[order_id])
        if state is OrderState.FILLED and order.oco_group:
            for other in [each for each in self._orders.values() if each.oco_group == order.oco_group and each.is_open]:
                if other.order_id != order_id:
                    self._end(other)
        return fill.execution_id

    def _change(self, execution_id: str, **changes: Any) -> None:
        self._fills[execution_id] = attrs.evolve(self._fills[execution_id], **changes)
        self.tell(push="fill", fill=attrs.asdict(self._fills[execution_id]))

    def _correct(self, execution_id: str, price: float) -> None:
        fill = attrs.evolve(self._fills[execution_id], execution_id=f"{execution_id}.2", corrects=execution_id, price=price)
        self._fills[fill.execution_id] = fill
        self.tell(push="fill", fill=attrs.asdict(fill))

    def _is_replaced(self, fill: Fill) -> bool:
        return any(each.corrects == fill.execution_id for each in self._fills.values())

    def _book(self) -> Portfolio:
        book = Portfolio(CASH)
        for fill in self.fills():
            book.apply(fill)
        return book


def _trades(order: Order, price: float) -> bool:
    if order.parent_id:
        return False  # the toy's exits trade by hand only
    sign = order.side.sign
    stopped = order.stop_price is not None and sign * (price - order.stop_price) < 0
    limited = order.limit_price is not None and sign * (price - order.limit_price) > 0
    return not (stopped or limited or order.order_type is OrderType.TRAILING_STOP)
