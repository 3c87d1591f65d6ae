"""A broker adapter for the toy venue, as it should be."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
from toy_line import PATIENCE, Refused, ToyLine
from toy_server import KEY
from toy_venue import ToyVenue

from ml4t.live.contracts import BrokerCapabilities, BrokerSink, BrokerSnapshot, OrderUpdate
from ml4t.live.errors import BrokerConnectionError, BrokerRefused, OutcomeUnknown
from ml4t.live.model import Account, Fill, Order, OrderSide, OrderState, OrderType, Position, TimeInForce

SENT = (
    "order_id",
    "symbol",
    "side",
    "quantity",
    "order_type",
    "limit_price",
    "stop_price",
    "trail_amount",
    "time_in_force",
    "parent_id",
    "oco_group",
)


class ToyBroker:
    """The broker contract over a `ToyLine`."""

    capabilities = BrokerCapabilities(
        order_types=frozenset(OrderType),
        times_in_force=frozenset(TimeInForce),
        replace=True,
        fractional=True,
        kinds=frozenset({"paper", "live"}),
        brackets=True,
        oco=True,
    )
    line = ToyLine

    def __init__(self, address: tuple[str, int], key: str = KEY) -> None:
        self._address = address
        self._key = key
        self._line: ToyLine | None = None
        self._sink: BrokerSink | None = None
        self._early: list[dict[str, Any]] = []

    async def connect(self) -> BrokerSnapshot:
        await self.close()
        self._early.clear()
        line = self.line(self._pushed)
        try:
            await line.open(self._address, self._key)
        except Refused as error:
            await line.close()
            raise BrokerRefused(f"the toy venue refused the key: {error}", code=error.code) from None
        except (OSError, TimeoutError) as error:
            await line.close()
            raise BrokerConnectionError(f"the toy venue cannot be reached: {error!r}") from None
        except BaseException:
            await line.close()
            raise
        self._line = line
        return await self.snapshot(0)

    async def submit(self, order: Order) -> str:
        return (await self._submit([order]))[0]

    async def submit_bracket(self, entry: Order, take_profit: Order, stop_loss: Order) -> Sequence[str]:
        return await self._submit([entry, take_profit, stop_loss])

    async def submit_oco(self, first: Order, second: Order) -> Sequence[str]:
        return await self._submit([first, second])

    async def cancel(self, order: Order) -> None:
        await self._ask("cancel", order_id=order.order_id)

    async def replace(self, order: Order, *, quantity: float, limit_price: float | None, stop_price: float | None) -> None:
        await self._ask("replace", order_id=order.order_id, quantity=quantity, limit_price=limit_price, stop_price=stop_price)

    async def find(self, order: Order) -> OrderUpdate | None:
        answer = (await self._ask("find", order_id=order.order_id))["order"]
        return None if answer is None else self._update(answer)

    async def snapshot(self, since: int) -> BrokerSnapshot:
        answer = await self._ask("snapshot", since=since)
        if "orders" not in answer:
            raise BrokerConnectionError("the venue has told only a part of its books")
        account = Account("t-1", answer["kind"], "USD", answer["cash"], answer["cash"], time.time_ns())
        positions = [Position(symbol, quantity, 0.0) for symbol, quantity in answer["positions"].items()]
        return BrokerSnapshot(
            account, positions, [to_order(each) for each in answer["orders"]], [to_fill(each) for each in answer["fills"]]
        )

    async def run(self, sink: BrokerSink) -> None:
        line = self._line
        if line is None:
            raise BrokerConnectionError("not connected")
        self._sink = sink
        early, self._early = self._early, []
        for message in early:
            self._pushed(message)
        try:
            why = await line.lost
        finally:
            self._sink = None
        raise BrokerConnectionError(why)

    async def close(self) -> None:
        if self._line is not None:
            line, self._line = self._line, None
            await line.close()

    async def _submit(self, orders: Sequence[Order]) -> list[str]:
        said = [{name: getattr(order, name) for name in SENT} for order in orders]
        try:
            return list((await self._ask("submit", orders=said))["numbers"])
        except BrokerRefused as error:
            if error.code != "duplicate":
                raise
            found = [await self.find(order) for order in orders]
            return [each.venue_order_id for each in found if each is not None]

    async def _ask(self, do: str, **question: Any) -> dict[str, Any]:
        if self._line is None:
            raise BrokerConnectionError("not connected")
        try:
            return await self._line.ask(do, **question)
        except Refused as error:
            raise BrokerRefused(str(error), code=error.code) from None
        except (OSError, TimeoutError) as error:
            raise OutcomeUnknown(f"no answer: {error!r}") from None

    def _pushed(self, message: dict[str, Any]) -> None:
        if self._sink is None:
            self._early.append(message)
        elif message["push"] == "fill":
            self._sink.fill(to_fill(message["fill"]))
        else:
            self._sink.order(self._update(message["order"]))

    def _update(self, said: dict[str, Any]) -> OrderUpdate:
        order = to_order(said)
        return OrderUpdate(
            order.order_id, order.state, time.time_ns(), order.venue_order_id, order.filled_quantity, terms=order.terms
        )


def to_order(said: dict[str, Any]) -> Order:
    kinds = {"side": OrderSide, "order_type": OrderType, "time_in_force": TimeInForce, "state": OrderState}
    return Order(**said | {name: kind(said[name]) for name, kind in kinds.items()})


def to_fill(said: dict[str, Any]) -> Fill:
    return Fill(**said | {"side": OrderSide(said["side"])})


@attrs.define
class ToyBrokerRig:
    """The toy venue, and adapters of one class."""

    venue: ToyVenue
    kind: type[ToyBroker] = ToyBroker
    symbol: str = "AAA"
    second_symbol: str = "BBB"
    secrets: Sequence[str] = (KEY,)
    exempt: dict[str, str] = attrs.field(factory=dict)
    patience: float = PATIENCE

    def broker(self, *, address: tuple[str, int] | None = None, wrong_credentials: bool = False) -> ToyBroker:
        return self.kind(address or self.venue.address, "wrong" if wrong_credentials else KEY)


def maker(kind: type[ToyBroker] = ToyBroker, **exempt: str) -> Any:
    """Return what makes rigs with adapters of a class."""

    @asynccontextmanager
    async def make() -> Any:
        with ToyVenue() as venue:
            yield ToyBrokerRig(venue, kind, exempt=exempt)

    return make
