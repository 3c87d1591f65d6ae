"""What TWS says of orders and executions, made into what the engine is told, in the order in which it was said."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any, cast

import ib_async
import structlog
from attrs import define
from ib_async import IB, CommissionReport, Contract, Execution

from ml4t.live.contracts import BrokerSink, OrderUpdate
from ml4t.live.errors import BrokerConnectionError, BrokerRefused, OutcomeUnknown
from ml4t.live.model import Account, Fill, OrderState, Terms
from ml4t_live_ib.book import BookedOrder, OrderTable
from ml4t_live_ib.codes import Action, action_of, sentence
from ml4t_live_ib.executions import Executions
from ml4t_live_ib.session import Session

_log = structlog.get_logger("ml4t_live_ib")


@define
class _Available:
    """Whether orders can be sent; `why` not, empty when they can."""

    why: str


@define
class _Request:
    """An order or a change of one that is on its way. A change has the `terms` that IB was sent, and those `asked` for."""

    answer: asyncio.Future[BookedOrder]
    terms: Terms | None = None
    asked: Terms | None = None


REJECTED = 201
"""The one code that ends a working order by refusing it; the others of its kind refuse new orders only."""

_ACKNOWLEDGED = frozenset({OrderState.WORKING, OrderState.FILLED})

News = OrderUpdate | Fill | Account | _Available | BrokerConnectionError


class Updates:
    """The state of one connection as far as orders go; `begin` makes it that of a new one.

    `look_up` is called with the number of an order about which TWS has said something that proves nothing.
    """

    def __init__(self, client_id: int, account_now: Callable[[], Account], look_up: Callable[[int, str], None]) -> None:
        self._client_id = client_id
        self._account_now = account_now
        self._look_up = look_up
        self._requests: dict[int, _Request] = {}
        # No bound: none may be dropped, and `deliver` waits for nothing else, so it holds what a few reads brought.
        self._news: asyncio.Queue[News] = asyncio.Queue()
        self.outage = ""
        """Why TWS has no connection to IB, empty when it has one."""
        self.table = OrderTable()
        self.executions: Executions
        self._wrapper: Any

    def begin(self, executions: Executions) -> None:
        """Forget everything that was said on an earlier connection."""
        self._requests = {}
        self._news = asyncio.Queue()
        self.outage = ""
        self.table = OrderTable()
        self.executions = executions

    def wire(self, session: Session, ib: IB) -> None:
        """Listen to a new client."""
        self._wrapper = cast(Any, ib.wrapper)
        session.tap(ib, "openOrder", self._on_open_order)
        session.tap(ib, "orderStatus", self._on_status)
        session.take(ib, "execDetails", self._on_execution)
        session.take(ib, "commissionReport", self._on_commission)
        session.tap(ib, "updateAccountTime", self._on_account_time)

    async def deliver(self, sink: BrokerSink) -> None:
        """Hand on everything as it comes, until the connection is lost, which it raises."""
        while True:
            news = await self._news.get()
            match news:
                case OrderUpdate():
                    sink.order(news)
                case Fill():
                    sink.fill(news)
                case Account():
                    sink.account(news)
                case _Available():
                    sink.available(news.why)
                case BrokerConnectionError():
                    raise news

    def placed(self, number: int, contract: Contract, order: ib_async.Order, *, believed: Terms) -> None:
        """Note an order that is about to be sent."""
        self.table.placed(BookedOrder(self._client_id, number, contract, order, believed=believed, held=not order.transmit))

    def report(self, update: OrderUpdate) -> None:
        """Tell the engine what has been found out about an order that this connection has not heard of."""
        self._news.put_nowait(update)

    def repeat(self, booked: BookedOrder) -> None:
        """Tell the engine again how an order stands."""
        booked.told = None
        self.tell(booked)

    def expect(self, number: int, *, terms: Terms | None = None, asked: Terms | None = None) -> asyncio.Future[BookedOrder]:
        """Return what is resolved once TWS has answered an order, or a change of one to `terms`, rounded from `asked`."""
        answer: asyncio.Future[BookedOrder] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_retrieve)
        self._requests[number] = _Request(answer, terms, asked)
        return answer

    def forget(self, number: int) -> None:
        """Say that nobody waits for the answer any more."""
        self._requests.pop(number, None)

    def lost(self, why: str) -> None:
        """The connection is gone: nobody can say what became of what was on its way."""
        for request in self._requests.values():
            _fail(request, OutcomeUnknown(f"{why}; an order was on its way"))
        self._news.put_nowait(BrokerConnectionError(why))

    def is_ours(self, booked: BookedOrder) -> bool:
        """True for an order that this client placed, and may change and cancel."""
        return booked.client_id == self._client_id and booked.number > 0

    def ended(self, booked: BookedOrder, status: str, filled: float) -> None:
        """Take in that an order has ended, as IB's list of completed orders tells it."""
        booked.status = status
        booked.filled = max(booked.filled, filled)
        self._on_change(booked)

    def looked_up(self, number: int, *, is_open: bool, why: str) -> None:
        """Settle what still waits for an order after TWS was asked for it."""
        request = self._requests.get(number)
        if request is not None and request.terms is not None:
            _fail(request, BrokerRefused(why, code="not_amended"))
        elif request is not None and not is_open:
            _fail(request, OutcomeUnknown(why))

    def tell(self, booked: BookedOrder, *, terms: Terms | None = None, code: str = "") -> None:
        """Tell the engine how an order stands, unless it was told just that."""
        state = booked.state
        news = (state, booked.filled, booked.venue_order_id)
        if state is OrderState.UNKNOWN or not booked.order_id or (booked.told == news and terms is None):
            return
        booked.told = news
        self._news.put_nowait(
            OrderUpdate(
                booked.order_id,
                state,
                time.time_ns(),
                booked.venue_order_id,
                booked.filled,
                code=code,
                reason="" if state.is_open else booked.reason,
                terms=terms,
            )
        )

    # ------------------------------------------------------------------ what TWS says

    def on_code(self, number: int, code: int, text: str) -> None:
        """Take in a message with a code."""
        booked = self.table.numbered(self._client_id, number)
        action = action_of(code, names_order=booked is not None)
        why = sentence(code, text)
        if action is Action.OUTAGE:
            self._set_outage(why)
        elif action is Action.RESTORED:
            self._set_outage("")
        elif booked is not None:
            _log.warning(why, order_id=booked.order_id)
            booked.reason = why
            self._on_order_code(booked, code, action, why)
        elif action is Action.TELL:
            _log.info(why)
        else:
            _log.warning(why, request=number)

    def _set_outage(self, why: str) -> None:
        self.outage = why
        self._news.put_nowait(_Available(why))

    def _on_order_code(self, booked: BookedOrder, code: int, action: Action, why: str) -> None:
        request = self._requests.get(booked.number)
        if request is not None and request.terms is not None:
            self._look_up(booked.number, why)  # it may be the change that was refused, and not the order
        elif action is Action.CANCELLED:
            self._end(booked, "Cancelled", code)
        elif action is Action.REJECTED and (code == REJECTED or not booked.acknowledged):
            self._end(booked, "Inactive", code)
        else:
            self._look_up(booked.number, why)

    def _end(self, booked: BookedOrder, status: str, code: int) -> None:
        booked.status = status
        self._answer(booked, code=str(code))
        self.tell(booked, code=str(code))

    def _on_open_order(self, number: int, contract: Contract, order: ib_async.Order, state: ib_async.OrderState) -> None:
        if not order.whatIf:
            self._on_change(self.table.opened(number, contract, order, state.status))

    def _on_status(
        self,
        number: int,
        status: str,
        filled: float,
        _remaining: float,
        _average: float,
        perm_id: int,
        _parent: int,
        _last: float,
        client_id: int,
        *_: object,
    ) -> None:
        booked = self.table.stands(number, client_id, perm_id, status, filled)
        if booked is not None:
            self._on_change(booked)

    def _on_change(self, booked: BookedOrder) -> None:
        if booked.perm_id and booked.state in _ACKNOWLEDGED:
            booked.acknowledged = True
        terms = booked.terms
        # One whose last part the other of its group has taken is told as one for nothing more, and then as cancelled.
        spent = terms.quantity <= booked.filled and booked.state is not OrderState.FILLED
        changed = terms != booked.believed and not spent
        if changed:
            booked.believed = terms
        self._answer(booked)
        self.tell(booked, terms=terms if changed else None)
        if not booked.state.is_open:
            self._let_go(booked)

    def _let_go(self, booked: BookedOrder) -> None:
        """Take an order that has ended out of the SDK, which would keep it with all that it has traded."""
        wrapper = self._wrapper
        wrapper.trades.pop(wrapper.orderKey(booked.client_id, booked.number, booked.perm_id), None)
        wrapper.permId2Trade.pop(booked.perm_id, None)

    def _answer(self, booked: BookedOrder, *, code: str = "") -> None:
        """Answer whoever waits for what has just been told of an order."""
        request = self._requests.get(booked.number) if self.is_ours(booked) else None
        if request is None or request.answer.done():
            return
        state = booked.state
        if request.terms is not None and booked.terms == request.terms:
            if request.asked is not None and request.asked != request.terms:
                self.tell(booked, terms=request.asked)  # it is made; what it was rounded to is told next
                booked.believed = None
            request.answer.set_result(booked)
        elif state in {OrderState.CANCELLED, OrderState.REJECTED}:
            _fail(request, BrokerRefused(booked.reason or f"IB has the order as {booked.status}", code=code))
        elif request.terms is None and booked.acknowledged:
            request.answer.set_result(booked)

    def _on_execution(self, request: int, contract: Contract, execution: Execution) -> None:
        fill = self.executions.executed(contract, execution)
        if request == -1:
            self._news.put_nowait(fill)

    def _on_commission(self, report: CommissionReport) -> None:
        fill = self.executions.charged(report)
        if fill is not None:
            self._news.put_nowait(fill)

    def _on_account_time(self, _time: str) -> None:
        with contextlib.suppress(BrokerConnectionError):  # the first values come one by one, and are not all here yet
            self._news.put_nowait(self._account_now())


def _fail(request: _Request, error: Exception) -> None:
    if not request.answer.done():
        request.answer.set_exception(error)


def _retrieve(answer: asyncio.Future[BookedOrder]) -> None:
    if not answer.cancelled():
        answer.exception()  # whoever waits is told; when nobody does, that is no fault
