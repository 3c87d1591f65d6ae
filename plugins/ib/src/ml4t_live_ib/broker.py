"""The broker: the framework's contract over one connection to TWS or the Gateway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog
from attrs import asdict, evolve
from ib_async import IB

from ml4t.live.contracts import BrokerCapabilities, BrokerSink, BrokerSnapshot, OrderUpdate
from ml4t.live.errors import UNAUTHORIZED, BrokerConnectionError, BrokerRefused, OutcomeUnknown
from ml4t.live.model import Account, Order, OrderState, OrderType, Terms, TimeInForce
from ml4t.live.orders.states import DUST
from ml4t_live_ib.book import BookedOrder
from ml4t_live_ib.config import IBBrokerConfig
from ml4t_live_ib.contracts import Contracts, Listed, UnknownInstrument
from ml4t_live_ib.executions import Executions
from ml4t_live_ib.orders import rounded, state_of, to_ib
from ml4t_live_ib.reader import Ended, Reader
from ml4t_live_ib.session import Session
from ml4t_live_ib.updates import Updates

WITHDRAWAL_LOOKS = 10
WITHDRAWAL_SECONDS = 0.2
"""How often, and how far apart, TWS is asked whether the rest of a refused group is gone."""

NOT_OPEN = "not_open"

_log = structlog.get_logger("ml4t_live_ib")


class IBBroker:
    """Interactive Brokers, through TWS or the Gateway: `IBBroker()`, `IBBroker(port=4002, account="DU1234567")`.

    Made from a config, or from the options of one; see `IBBrokerConfig`. Orders are found again by `orderRef`, which is our
    order id, and by IB's permanent id, which is the venue's; IB's order ids are good for one connection.
    """

    capabilities = BrokerCapabilities(
        order_types=frozenset(OrderType),
        times_in_force=frozenset(TimeInForce),
        replace=True,
        fractional=True,
        brackets=True,
        oco=True,
        find_together=1_000,  # one reading of IB's lists answers for all of them
    )

    def __init__(self, config: IBBrokerConfig | None = None, /, **options: Any) -> None:
        self.config = config or IBBrokerConfig(**options)
        self._session = Session(
            self.config, BrokerConnectionError, wire=self._wire, on_code=self._on_code, on_loss=self._on_loss
        )
        self._contracts = Contracts(self._session)
        self._updates = Updates(self.config.client_id, self._money_now, self._look_up)
        self._reader = Reader(self._session, self._updates, self._contracts)
        self._ended: dict[str, Ended] = {}
        self._highest = 0
        self._looking: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------------ the contract

    async def connect(self) -> BrokerSnapshot:
        """Connect, and return the account as it stands.

        Raises BrokerConnectionError, with the remedy, when TWS cannot be reached or does not answer every question, and
        BrokerRefused when the account is not one of this login, or is not named and there are several.
        """
        self._contracts.forget()
        self._updates.begin(Executions(self._contracts.symbol, self._reader.rate))
        await self._session.open()
        try:
            self._reader.account = choose(self.config.account, self._session.ib.managedAccounts())
            self._session.client.reqAccountUpdates(True, self._reader.account)
            self._ended = await self._reader.ended_orders()
            snapshot = await self._reader.snapshot(0)
        except BaseException:
            self._session.close()
            raise
        # A gateway that was started anew may give the numbers of yesterday's orders again.
        self._highest = max(self._highest, self._updates.executions.highest_order_id(self.config.client_id))
        return snapshot

    async def submit(self, order: Order) -> str:
        """Send an order; return IB's permanent id. Raises BrokerRefused, OutcomeUnknown or BrokerConnectionError."""
        return self._known(order) or (await self._submit(order))[0]

    async def submit_bracket(self, entry: Order, take_profit: Order, stop_loss: Order) -> Sequence[str]:
        """Send an entry with its two exits, which TWS takes as one."""
        return await self._submit(entry, take_profit, stop_loss)

    async def submit_oco(self, first: Order, second: Order) -> Sequence[str]:
        """Send two orders of which each takes from the other what it trades."""
        return await self._submit(first, second)

    async def cancel(self, order: Order) -> None:
        """Ask for a cancel. Raises BrokerRefused for an order that is not there, or that somebody else placed.

        One that has ended is told as it ended.
        """
        try:
            booked = await self._mine(order)
        except BrokerRefused as refusal:
            ended = await self.find(order) if refusal.code == NOT_OPEN else None
            if ended is None or ended.state.is_open:
                raise
            self._updates.report(ended)
            return
        if booked.state.is_open:
            self._session.client.cancelOrder(booked.number, "")
        else:
            self._updates.repeat(booked)

    async def replace(self, order: Order, *, quantity: float, limit_price: float | None, stop_price: float | None) -> None:
        """Change a working order under its own number, and return when IB has made the change. Raises as `submit`."""
        booked = await self._mine(order)
        if not booked.state.is_open:
            self._updates.repeat(booked)
            raise BrokerRefused(f"order {order.order_id} has ended at IB: {booked.status}", code="ended")
        self._refuse_in_outage()
        asked = evolve(order.amendment or order.terms, quantity=quantity, limit_price=limit_price, stop_price=stop_price)
        listed = await self._find(order.symbol)
        changed = rounded(order.changed(**asdict(asked), amendment=None), listed.rules)
        sent = to_ib(changed, account=self._reader.account, outside_rth=self.config.outside_rth)
        sent.orderId, sent.permId, sent.parentId = booked.number, booked.perm_id, booked.order.parentId
        sent.ocaGroup, sent.ocaType = booked.order.ocaGroup, booked.order.ocaType
        answer = self._updates.expect(booked.number, terms=changed.terms, asked=asked)
        try:
            self._session.client.placeOrder(booked.number, listed.contract, sent)
            await answer
        except ConnectionError as error:
            raise OutcomeUnknown(f"the connection to TWS was lost while an order was changed: {error}") from None
        finally:
            self._updates.forget(booked.number)

    async def snapshot(self, since: int) -> BrokerSnapshot:
        """Return the account as it stands, all of it. Executions go back to midnight at most: IB does not tell older ones."""
        return await self._reader.snapshot(since)

    async def find(self, order: Order) -> OrderUpdate | None:
        """Look an order up by our id: among the open ones, those that have ended, and the executions of the day."""
        self._refuse_to_guess()
        for booked in await self._reader.open_orders():
            if booked.order_id == order.order_id:
                return _update(order, booked.state, booked.perm_id, booked.filled, terms=booked.terms)
        self._ended = await self._reader.ended_orders()
        await self._reader.executions()
        self._refuse_to_guess()
        return self._find_ended(order)

    async def run(self, sink: BrokerSink) -> None:
        """Deliver what TWS says until cancelled. Raises BrokerConnectionError when the connection is lost."""
        await self._updates.deliver(sink)

    async def close(self) -> None:
        """Let go of the connection; `run` ends."""
        if self._session.is_open:
            self._session.lose("the connection to TWS was closed")
        for task in self._looking:
            task.cancel()
        await asyncio.gather(*self._looking, return_exceptions=True)

    # ------------------------------------------------------------------ sending

    async def _submit(self, *orders: Order) -> Sequence[str]:
        """Send orders that belong together; return IB's ids when all are taken, and raise when one is not."""
        self._refuse_in_outage()
        listed = [await self._find(order.symbol) for order in orders]
        changed = [rounded(order, each.rules) for order, each in zip(orders, listed, strict=True)]
        sent = [to_ib(each, account=self._reader.account, outside_rth=self.config.outside_rth) for each in changed]
        ib = self._session.ib
        numbers = [self._next_number() for _ in orders]
        if orders[-1].parent_id:
            for each in sent[1:]:
                each.parentId = numbers[0]
            for each in sent[:-1]:
                each.transmit = False  # TWS holds them back until the last of the group has come
        answers = []
        try:
            for order, each, number, exchange in zip(orders, sent, numbers, listed, strict=True):
                each.orderId = number
                answers.append(self._updates.expect(number))
                self._updates.placed(number, exchange.contract, each, believed=order.terms)
                ib.placeOrder(exchange.contract, each)
            await asyncio.wait(answers, return_when=asyncio.FIRST_EXCEPTION)
            refused = next((answer.exception() for answer in answers if answer.done() and answer.exception()), None)
            if refused is not None:
                raise await self._withdrawn(numbers, refused)
            return [answer.result().venue_order_id for answer in answers]
        except ConnectionError as error:
            raise OutcomeUnknown(f"the connection to TWS was lost while an order was sent: {error}") from None
        finally:
            for number in numbers:
                self._updates.forget(number)

    async def _withdrawn(self, numbers: Sequence[int], refused: BaseException) -> BaseException:
        """Take back what is left of orders of which one was refused; return what then holds for all of them."""
        if len(numbers) == 1 or not isinstance(refused, BrokerRefused):
            return refused
        client = self.config.client_id
        for number in numbers:
            booked = self._updates.table.numbered(client, number)
            if booked is not None and booked.state.is_open:
                self._session.client.cancelOrder(number, "")
        for _ in range(WITHDRAWAL_LOOKS):
            left = {each.number for each in await self._reader.open_orders() if each.client_id == client} & set(numbers)
            if not left:
                traded = any(each.filled for number in numbers if (each := self._updates.table.numbered(client, number)))
                return (
                    OutcomeUnknown(f"one of the group was refused after another had traded: {refused}") if traded else refused
                )
            await asyncio.sleep(WITHDRAWAL_SECONDS)
        return OutcomeUnknown(f"one of the group was refused, and the rest is not cancelled yet: {refused}")

    def _known(self, order: Order) -> str:
        """Return IB's id of an order that it has already, empty when there is none. Raises when nobody can tell."""
        booked = self._updates.table.named(order.order_id)
        if booked is not None:
            if booked.state is OrderState.REJECTED:
                raise BrokerRefused(booked.reason or f"IB has it as {booked.status}", code="rejected")
            if not booked.perm_id:
                raise OutcomeUnknown(f"order {order.order_id} was sent before, and IB has not answered")
            return booked.venue_order_id
        ended = self._ended.get(order.order_id)
        if ended is not None:
            return str(ended.perm_id)
        execution = self._updates.executions.find(order.order_id)
        return "" if execution is None else str(execution.perm_id)

    async def _mine(self, order: Order) -> BookedOrder:
        """Return what IB has of an order that this client placed. Raises BrokerRefused for any other."""
        booked = self._updates.table.named(order.order_id)
        if booked is None:
            await self._reader.open_orders()
            booked = self._updates.table.named(order.order_id)
        if booked is None:
            raise BrokerRefused(f"IB has no open order {order.order_id}", code=NOT_OPEN)
        if not self._updates.is_ours(booked):
            raise BrokerRefused(
                f"order {order.order_id} was placed by client {booked.client_id} or by hand: only whoever placed it can change "
                f"or cancel it; set client_id = {booked.client_id}, or use TWS",
                code="other_client",
            )
        return booked

    async def _find(self, symbol: str) -> Listed:
        try:
            return await self._contracts.find(symbol)
        except UnknownInstrument as error:
            raise BrokerRefused(str(error), code="200") from None

    def _next_number(self) -> int:
        client = self._session.client
        client.updateReqId(self._highest + 1)
        self._highest = client.getReqId()
        return self._highest

    def _refuse_in_outage(self) -> None:
        if self._updates.outage:
            raise BrokerRefused(f"nothing was sent: {self._updates.outage}", code="unavailable")

    # ------------------------------------------------------------------ finding

    def _find_ended(self, order: Order) -> OrderUpdate | None:
        booked = self._updates.table.named(order.order_id)
        executions = self._updates.executions
        traded = executions.traded(order.order_id)
        ended = self._ended.get(order.order_id)
        if ended is not None:
            return _update(order, state_of(ended.status, ended.filled), ended.perm_id, max(ended.filled, traded))
        if booked is not None and not booked.state.is_open:
            return _update(order, booked.state, booked.perm_id, max(booked.filled, traded), reason=booked.reason)
        execution = executions.find(order.order_id)
        if execution is None:
            return None
        whole = traded >= order.quantity * (1.0 - DUST)
        return _update(order, OrderState.FILLED if whole else OrderState.CANCELLED, execution.perm_id, traded)

    def _refuse_to_guess(self) -> None:
        if self._updates.outage:
            raise OutcomeUnknown(f"IB cannot be asked: {self._updates.outage}")

    def _look_up(self, number: int, why: str) -> None:
        task = asyncio.get_running_loop().create_task(self._looked_up(number, why), name=f"ib look up {number}")
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _looked_up(self, number: int, why: str) -> None:
        """Find out how an order stands about which TWS has said something that proves nothing."""
        try:
            is_open = any(each.number == number for each in await self._reader.open_orders() if self._updates.is_ours(each))
            booked = self._updates.table.numbered(self.config.client_id, number)
            if booked is not None and booked.state.is_open and not is_open:
                self._ended = await self._reader.ended_orders()
                ended = self._ended.get(booked.order_id)
                if ended is not None:
                    self._updates.ended(booked, ended.status, ended.filled)
            self._updates.looked_up(number, is_open=is_open, why=why)
        except BrokerConnectionError as error:
            _log.warning("an order could not be looked up", number=number, error=str(error))

    # ------------------------------------------------------------------ the session

    def _wire(self, ib: IB) -> None:
        self._updates.wire(self._session, ib)

    def _on_code(self, number: int, code: int, text: str) -> None:
        self._updates.on_code(number, code, text)

    def _on_loss(self, why: str) -> None:
        self._updates.lost(why)

    def _money_now(self) -> Account:
        return self._reader.money_now()


def choose(wanted: str, accounts: Sequence[str]) -> str:
    """Return the account to trade. Raises BrokerRefused, naming those of the login, when it is not clear which."""
    if wanted in accounts or (not wanted and len(accounts) == 1):
        return wanted or accounts[0]
    listed = ", ".join(accounts)
    if wanted:
        raise BrokerRefused(f"account {wanted} is not one of this login's; set account to one of {listed}", code=UNAUTHORIZED)
    raise BrokerRefused(f"this login has several accounts; set account to one of {listed}", code=UNAUTHORIZED)


def _update(
    order: Order, state: OrderState, perm_id: int, filled: float, *, reason: str = "", terms: Terms | None = None
) -> OrderUpdate:
    return OrderUpdate(order.order_id, state, time.time_ns(), str(perm_id or ""), filled, reason=reason, terms=terms)
