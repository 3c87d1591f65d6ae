"""What IB shows of an account when it is asked: every question answered, or BrokerConnectionError."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, cast

import ib_async
import structlog
from attrs import evolve, frozen
from ib_async import IB

from ml4t.live.contracts import BrokerSnapshot
from ml4t.live.model import Account, Order, Position
from ml4t_live_ib.account import Money
from ml4t_live_ib.book import BookedOrder
from ml4t_live_ib.contracts import Contracts
from ml4t_live_ib.orders import from_ib
from ml4t_live_ib.session import Session
from ml4t_live_ib.updates import Updates

_log = structlog.get_logger("ml4t_live_ib")


@frozen
class Ended:
    """An order that IB lists as completed."""

    perm_id: int
    status: str
    filled: float


class Reader:
    """Asks about one account. What it is told of orders and executions goes through `updates`, like all that TWS says."""

    def __init__(self, session: Session, updates: Updates, contracts: Contracts) -> None:
        self._session = session
        self._updates = updates
        self._contracts = contracts
        self.account = ""

    async def snapshot(self, since: int) -> BrokerSnapshot:
        """Return the account, with the executions since `since` (nanoseconds UTC) as far as IB tells them: the day's."""
        listed = await self._session.ask("which positions are held", lambda ib: ib.reqPositionsAsync(), shared=True)
        held = {each.contract.conId: each for each in listed if each.account == self.account and each.position}
        working = await self.open_orders()
        await self.executions()
        account = await self.money()
        executions = self._updates.executions
        await self._contracts.learn([each.contract for each in held.values()])
        await self._contracts.learn([booked.contract for booked in working])
        await self._contracts.learn(executions.contracts())
        return BrokerSnapshot(
            account,
            [self._position(each) for each in held.values()],
            self._orders(working),
            [fill for fill in executions.since(since) if fill.account == self.account],
        )

    async def open_orders(self) -> list[BookedOrder]:
        """Return the working orders of the account, whoever placed them, each with its state as of now."""
        trades = await self._session.ask("which orders are open", lambda ib: ib.reqAllOpenOrdersAsync(), shared=True)
        booked = self._updates.table.of(trade.order for trade in trades)
        return [each for each in booked if each.state.is_open and each.order.account in {"", self.account}]

    async def ended_orders(self) -> dict[str, Ended]:
        """Return the orders that have ended lately, by our id."""
        found: dict[str, Ended] = {}

        def note(_contract: ib_async.Contract, order: ib_async.Order, state: ib_async.OrderState) -> None:
            if order.orderRef:
                found[order.orderRef] = _ended(order, state.status)

        async def ask(ib: IB) -> dict[str, Ended]:
            # The SDK would make a Trade of each, which takes five times as long as reading it, and keep all of them.
            self._session.take(ib, "completedOrder", note)
            await ib.reqCompletedOrdersAsync(apiOnly=False)
            return found

        return await self._session.ask("which orders have ended", ask, shared=True)

    async def executions(self) -> None:
        """Bring the executions up to now."""
        await self._session.ask("what has traded", lambda ib: ib.reqExecutionsAsync(), shared=True)

    async def money(self) -> Account:
        """Return the balances as of now."""

        async def ask(ib: IB) -> None:
            # One shot: the subscription that TWS keeps up by itself is up to three minutes old.
            wrapper, client = cast(Any, ib.wrapper), cast(Any, ib.client)
            number = client.getReqId()
            answer = wrapper.startReq(number)
            client.reqAccountUpdatesMulti(number, self.account, "", False)
            await answer
            client.cancelAccountUpdatesMulti(number)

        await self._session.ask("what the account is worth", ask, shared=True)
        return self._money().as_account(time.time_ns())

    def money_now(self) -> Account:
        """Return the balances as TWS told them last. Raises BrokerConnectionError while it has told too little."""
        return self._money().as_account(time.time_ns())

    def rate(self, currency: str) -> float:
        """Return what one unit of a currency is worth in the account's."""
        return self._money().rate(currency)

    def _money(self) -> Money:
        return Money(self.account, self._session.ib.accountValues(self.account))

    def _position(self, held: ib_async.Position) -> Position:
        multiplier = float(held.contract.multiplier or 1)
        # IB's cost of a future or an option is that of the whole contract.
        return Position(
            self._contracts.symbol(held.contract),
            float(held.position),
            float(held.avgCost) / multiplier,
            multiplier=multiplier,
        )

    def _orders(self, working: Sequence[BookedOrder]) -> list[Order]:
        """Return working orders, the earliest first. A second one under our id is shown as foreign, and is cancelled."""
        shown: dict[str, Order] = {}
        others: list[Order] = []
        for booked in sorted(working, key=lambda each: each.perm_id):
            order = self._order(booked)
            if order.order_id and order.order_id in shown:
                self._withdraw(booked, shown[order.order_id])
                order = evolve(order, order_id="")
            if order.order_id:
                shown[order.order_id] = order
            else:
                others.append(order)
        return [*shown.values(), *others]

    def _order(self, booked: BookedOrder) -> Order:
        parent = self._updates.table.numbered(booked.client_id, booked.order.parentId)
        order = from_ib(booked.order, self._contracts.symbol(booked.contract), status=booked.status, filled=booked.filled)
        return evolve(order, venue_order_id=booked.venue_order_id, parent_id=parent.order_id if parent else "")

    def _withdraw(self, extra: BookedOrder, first: Order) -> None:
        _log.error(
            f"IB works order {first.order_id} twice, as {first.venue_order_id} and as {extra.venue_order_id}; the second is "
            f"being cancelled, check it in TWS"
        )
        if self._updates.is_ours(extra):
            self._session.client.cancelOrder(extra.number, "")


def _ended(order: ib_async.Order, status: str) -> Ended:
    filled = order.filledQuantity
    known = isinstance(filled, float) and filled < ib_async.util.UNSET_DOUBLE
    whole = float(order.totalQuantity) if status == "Filled" else 0.0
    return Ended(order.permId, status, max(float(filled) if known else 0.0, whole))
