"""Orders as clients see them: their requests, and the news of what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ml4t_live_ib.simulator.desks.lookup import one_contract
from ml4t_live_ib.simulator.faults import Faults
from ml4t_live_ib.simulator.link import Link
from ml4t_live_ib.simulator.protocol import answer_tables as answers
from ml4t_live_ib.simulator.protocol.fields import Values
from ml4t_live_ib.simulator.protocol.message import Message
from ml4t_live_ib.simulator.protocol.order_tables import COMPLETED_ORDER, OPEN_ORDER
from ml4t_live_ib.simulator.protocol.stamps import Clock
from ml4t_live_ib.simulator.session import Session
from ml4t_live_ib.simulator.venue.book import Book
from ml4t_live_ib.simulator.venue.contract import Contract
from ml4t_live_ib.simulator.venue.order import Execution, Order, Refused
from ml4t_live_ib.simulator.venue.universe import Universe

_PRESET = "Order TIF was set to DAY based on order preset."


class OrderDesk:
    """Takes orders and requests about them, and tells the clients that have a right to know."""

    def __init__(
        self, book: Book, universe: Universe, link: Link, faults: Faults, clock: Clock, sessions: Callable[[], list[Session]]
    ) -> None:
        self.requests = 0
        """How many orders, modifications and cancellations have arrived."""
        self._book = book
        self._universe = universe
        self._link = link
        self._faults = faults
        self._clock = clock
        self._sessions = sessions
        self._bound = 0

    # --- requests

    def place(self, session: Session, values: Values) -> None:
        """Handle placeOrder: a new order, or the modification of one with the same id."""
        self.requests += 1
        if self._faults.next_lost:
            self._faults.next_lost = False
            return
        values["tif"] = values["tif"] or "DAY"
        order_id = values["orderId"]
        try:
            contract = one_contract(self._universe, values)
            known = self._book.known(session.client_id, order_id)
            if values["whatIf"]:
                self._estimate(session, values, contract)
            elif known is not None:
                self._link.when_up(lambda: self._modify(session, known, values, contract))
            else:
                self._take(session, values, contract)
        except Refused as refusal:
            self._refuse(session, order_id, refusal)

    def _take(self, session: Session, values: Values, contract: Contract) -> None:
        if self._faults.next_rejected:
            reason, self._faults.next_rejected = self._faults.next_rejected, ""
            raise Refused(201, f"Order rejected - reason:{reason}")
        order = self._book.take(session.client_id, values["orderId"], values, contract)
        if self._faults.next_unanswered:
            self._faults.next_unanswered = False
            order.silent_for.add(session.number)
        if self._faults.next_executed_first:
            self._faults.next_executed_first = False
            self._book.execute(order, order.quantity, self._book.price_of(contract))
            return
        if not self._link.is_up:
            self.changed(order)
        self._link.when_up(lambda: self._book.begin(order))
        if self._faults.preset_warning:
            session.error(order.order_id, 10349, _PRESET)

    def _modify(self, session: Session, order: Order, values: Values, contract: Contract) -> None:
        if self._faults.next_change_refused is not None:
            session.error(order.order_id, *self._faults.next_change_refused)
            self._faults.next_change_refused = None
            return
        try:
            self._book.modify(order, values, contract)
        except Refused as refusal:
            self._refuse(session, order.order_id, refusal)

    def _estimate(self, session: Session, values: Values, contract: Contract) -> None:
        account = self._book.validate(values, contract)
        margin = values["totalQuantity"] * self._book.price_of(contract) * contract.point_value / 4
        session.send(
            OPEN_ORDER,
            values
            | contract.values
            | {"status": "PreSubmitted", "account": account.name, "clientId": session.client_id}
            | {"initMarginBefore": 0.0, "initMarginChange": margin, "initMarginAfter": margin}
            | {"maintMarginBefore": 0.0, "maintMarginChange": margin, "maintMarginAfter": margin}
            | {"equityWithLoanBefore": account.equity, "equityWithLoanChange": 0.0, "equityWithLoanAfter": account.equity}
            | {"commissionCurrency": contract.currency},
        )

    def _refuse(self, session: Session, order_id: int, refusal: Refused) -> None:
        session.error(order_id, refusal.code, refusal.text)

    def cancel(self, session: Session, values: Values) -> None:
        """Handle cancelOrder."""
        self.requests += 1
        order_id = values["orderId"]
        order = self._book.known(session.client_id, order_id)
        if order is None:
            session.error(order_id, 10147, f"OrderId {order_id} that needs to be cancelled is not found.")
        elif self._faults.next_cancel_refused is not None:
            session.error(order_id, *self._faults.next_cancel_refused)
            self._faults.next_cancel_refused = None
        else:
            self._link.when_up(lambda: self._cancel(session, order))

    def _cancel(self, session: Session, order: Order) -> None:
        try:
            self._book.cancel(order)
        except Refused as refusal:
            self._refuse(session, order.order_id, refusal)

    def cancel_all(self, session: Session, _: Values) -> None:
        """Handle reqGlobalCancel: every open order, whoever placed it."""
        self.requests += 1
        for order in self._book.open_orders():
            if not order.is_done:
                self._cancel(session, order)

    def next_id(self, session: Session, _: Values) -> None:
        """Handle reqIds."""
        session.send(answers.NEXT_VALID_ID, {"orderId": self._book.next_id(session.client_id)})

    def open_orders(self, session: Session, _: Values) -> Iterator[tuple[Message, Values]]:
        """Answer reqOpenOrders: those of this client, and for client 0 those entered by hand."""
        if session.client_id == 0:
            self._bind(session)
        return self._tell_open(order for order in self._book.open_orders() if self._belongs_to(order, session))

    def all_open_orders(self, session: Session, _: Values) -> Iterator[tuple[Message, Values]]:
        """Answer reqAllOpenOrders: those of everybody."""
        return self._tell_open(iter(self._book.open_orders()))

    def _tell_open(self, orders: Iterator[Order]) -> Iterator[tuple[Message, Values]]:
        for order in orders:
            if order.transmitted:
                yield OPEN_ORDER, order.as_open()
                yield answers.ORDER_STATUS, order.as_status()

    def bind_manual_orders(self, session: Session, values: Values) -> None:
        """Handle reqAutoOpenOrders, which only client 0 may send."""
        if session.client_id != 0:
            session.error(-1, 327, "Only the default client (i.e 0) can auto bind orders.")
            return
        session.binds_manual_orders = values["bind"]
        if values["bind"]:
            self._bind(session)

    def _bind(self, session: Session) -> None:
        for order in self._book.open_orders():
            if order.client_id == 0 and order.order_id == 0:
                self._bound -= 1
                order.order_id = self._bound
                self._book.adopt(order)
                values = {"permId": order.perm_id, "clientId": 0, "orderId": order.order_id}
                session.send(answers.ORDER_BOUND, values)

    def completed_orders(self, session: Session, values: Values) -> Iterator[tuple[Message, Values]]:
        """Answer reqCompletedOrders: what ended today. It has neither order ids nor client ids, as at the vendor."""
        for order in self._book.orders.values():
            if order.is_done and order.day == self._book.day and not (values["apiOnly"] and order.order_id == 0):
                yield COMPLETED_ORDER, self._as_completed(order)

    def _as_completed(self, order: Order) -> dict[str, Any]:
        what = f"Filled Size: {order.filled:g}" if order.status == "Filled" else f"Cancelled by Trader {order.reason}".strip()
        return order.as_open() | {
            "completedTime": self._clock.stamp(order.completed_at),
            "completedStatus": what,
            "filledQuantity": order.filled,
            "parentPermId": order.parent.perm_id if order.parent else 0,
        }

    def executions(self, session: Session, values: Values) -> Iterator[tuple[Message, Values]]:
        """Answer reqExecutions: those of today that pass the filter; their commissions come after the end."""
        for execution in self._book.fills():
            if self._passes(execution, values):
                yield answers.EXECUTION, self.as_execution(execution, values["reqId"])
                if execution.commission is not None:
                    session.after_answer(answers.COMMISSION, self.as_commission(execution))

    def _passes(self, execution: Execution, wanted: Values) -> bool:
        order = execution.order
        return (
            execution.day == self._book.day
            and self._clock.date(execution.time) == self._clock.today()
            and wanted["clientId"] in {None, 0, order.client_id}
            and wanted["account"] in {"", order.account}
            and wanted["symbol"] in {"", order.contract.symbol}
            and wanted["secType"] in {"", order.contract.kind}
            and wanted["exchange"] in {"", order.contract.exchange}
            and wanted["side"] in {"", order.terms["action"]}
            and (not wanted["time"] or execution.time >= self._clock.parse(wanted["time"]) * 10**9)
        )

    # --- news

    def _belongs_to(self, order: Order, session: Session) -> bool:
        by_hand = order.order_id <= 0
        return order.client_id == session.client_id and (not by_hand or session.client_id == 0)

    def _audience(self, order: Order) -> Iterator[Session]:
        for session in self._sessions():
            if self._belongs_to(order, session) and session.number not in order.silent_for:
                yield session

    def changed(self, order: Order) -> None:
        """Tell of an order's status and terms."""
        for session in self._audience(order):
            session.push(OPEN_ORDER, order.as_open())
            session.push(answers.ORDER_STATUS, order.as_status())

    def cancelled(self, order: Order) -> None:
        """Tell of a cancellation."""
        for session in self._audience(order):
            session.error(order.order_id, 202, f"Order Canceled - reason:{order.reason}")

    def executed(self, execution: Execution) -> None:
        """Tell of an execution."""
        for session in self._audience(execution.order):
            session.push(answers.EXECUTION, self.as_execution(execution, -1))

    def charged(self, execution: Execution) -> None:
        """Tell of a commission."""
        for session in self._audience(execution.order):
            session.push(answers.COMMISSION, self.as_commission(execution))

    def as_execution(self, execution: Execution, request_id: int) -> dict[str, Any]:
        """Return the fields of an execDetails message."""
        order = execution.order
        return order.contract.values | {
            "reqId": request_id,
            "orderId": order.order_id,
            "execId": execution.exec_id,
            "time": self._clock.stamp(execution.time),
            "acctNumber": order.account,
            "exchange": order.contract.primary or order.contract.exchange,
            "side": "BOT" if order.sign > 0 else "SLD",
            "shares": execution.quantity,
            "price": execution.price,
            "permId": order.perm_id,
            "clientId": order.client_id,
            "cumQty": execution.cumulative,
            "avgPrice": execution.average,
            "orderRef": order.ref,
        }

    def as_commission(self, execution: Execution) -> dict[str, Any]:
        """Return the fields of a commissionReport message."""
        return {
            "execId": execution.exec_id,
            "commission": execution.commission,
            "currency": execution.order.contract.currency,
            "realizedPNL": execution.realized or None,
        }
