"""The order book of the simulated venue: taking, matching, changing and cancelling orders."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol

import attrs

from ml4t_live_ib.simulator.protocol.fields import Values
from ml4t_live_ib.simulator.venue.account import Account
from ml4t_live_ib.simulator.venue.commission import commission as usual_commission
from ml4t_live_ib.simulator.venue.contract import Contract
from ml4t_live_ib.simulator.venue.market import Market
from ml4t_live_ib.simulator.venue.matching import STOPS, trade_price, waits_for_auction, within_limit
from ml4t_live_ib.simulator.venue.order import WORKING, Execution, Order, Refused
from ml4t_live_ib.simulator.venue.rules import check
from ml4t_live_ib.simulator.venue.tape import Tape


class Listener(Protocol):
    """Who is told of what happens in the book."""

    def changed(self, order: Order) -> None:
        """An order changed its status or its terms."""

    def executed(self, execution: Execution) -> None:
        """An order traded, or an execution was corrected."""

    def charged(self, execution: Execution) -> None:
        """The commission of an execution is known."""

    def cancelled(self, order: Order) -> None:
        """An order was cancelled, by whomever."""


class Book:
    """Orders, executions and accounts. They are the venue's, and know nothing of connections."""

    def __init__(self, market: Market, accounts: dict[str, Account], *, depth: float, fractional: bool) -> None:
        self.accounts = accounts
        self.orders: dict[int, Order] = {}
        """Every order ever taken, by its permanent id."""
        self.executions: dict[str, Execution] = {}
        """Every execution ever reported, by its id, corrected ones too."""
        self.listener: Listener
        self.hold = False
        """While it is on, orders trade by `execute` only."""
        self.day = 0
        self._market = market
        self._depth = depth
        self._left: dict[int, float] = {}
        self._fractional = fractional
        self._by_client: dict[tuple[int, int], Order] = {}
        self._highest: dict[int, int] = {}
        self._open: dict[int, dict[int, Order]] = {}
        self._groups: dict[str, list[Order]] = {}
        self._corrected: set[str] = set()
        # Ids go on from run to run, as the vendor's do: a journal may remember those of an earlier run.
        start = int(time.time() * 1000)
        self._perm = 100_000_000 + start % 1_900_000_000
        self._stem = f"{start // 1000 & 0xFFFFFFFF:08x}"
        self._sequence = start % 1000 << 20
        market.on_price.append(self.match)

    # --- taking orders

    def next_id(self, client_id: int) -> int:
        """Return the lowest order id that this client may use."""
        return self._highest.get(client_id, 0) + 1

    def forget_ids(self) -> None:
        """Issue order ids from 1 again, as gateways do after some restarts; open orders keep theirs."""
        self._highest.clear()
        self._by_client = {key: order for key, order in self._by_client.items() if not order.is_done}

    def known(self, client_id: int, order_id: int) -> Order | None:
        """Return the order that a client knows by this id."""
        return self._by_client.get((client_id, order_id))

    def adopt(self, order: Order) -> None:
        """Let a client know an order by the id that it has been given meanwhile."""
        self._by_client[order.client_id, order.order_id] = order

    def price_of(self, contract: Contract) -> float:
        """Return what a contract trades at."""
        return self._market.tape(contract).last

    def validate(self, terms: Values, contract: Contract) -> Account:
        """Return the account that the order is for. Raises `Refused` if it cannot be taken."""
        account = self.accounts.get(terms["account"] or next(iter(self.accounts)))
        if account is None or (len(self.accounts) > 1 and not terms["account"]):
            raise Refused(435, "You must specify an account.")
        check(terms, contract, account, price=self.price_of(contract), fractional=self._fractional)
        return account

    def take(self, client_id: int, order_id: int, terms: Values, contract: Contract) -> Order:
        """Enter a new order, which does not work before `begin`. Raises `Refused`."""
        if order_id > 0 and order_id <= self._highest.get(client_id, 0):
            raise Refused(103, "Duplicate order id")
        account = self.validate(terms, contract)
        parent = self._parent(client_id, terms)
        self._perm += 1
        order = Order(self._perm, client_id, order_id, contract, account.name, terms, day=self.day)
        order.quantity, order.parent, order.transmitted = terms["totalQuantity"], parent, terms["transmit"]
        order.oca_group = terms["ocaGroup"] or (f"{parent.perm_id}" if parent else "")
        self.orders[order.perm_id] = order
        self._open.setdefault(contract.con_id, {})[order.perm_id] = order
        if order.oca_group:
            self._groups.setdefault(order.oca_group, []).append(order)
        if order_id > 0:
            self._by_client[client_id, order_id] = order
            self._highest[client_id] = order_id
        return order

    def _parent(self, client_id: int, terms: Values) -> Order | None:
        if not terms["parentId"]:
            return None
        parent = self._by_client.get((client_id, terms["parentId"]))
        if parent is None or (parent.is_done and not parent.filled):
            raise Refused(135, "Can't find order with ID = %s" % terms["parentId"])  # noqa: UP031 - the vendor's text
        return parent

    def begin(self, order: Order) -> None:
        """Let an order work, and with it those that were not transmitted before it."""
        if not order.transmitted:
            return
        for each in self._untransmitted_family(order):
            each.transmitted = True
            self._enter(each)
        self._enter(order)

    def _untransmitted_family(self, order: Order) -> list[Order]:
        parent = order.parent
        family = [each for each in self._family(parent) if not each.transmitted] if parent is not None else []
        return family if parent is None or parent.transmitted else [parent, *family]

    def _family(self, parent: Order) -> Iterator[Order]:
        return (each for each in self.open_orders() if each.parent is parent)

    def open_orders(self) -> list[Order]:
        """Return the orders that are not done, oldest first."""
        return sorted((each for some in self._open.values() for each in some.values()), key=lambda each: each.perm_id)

    def _enter(self, order: Order) -> None:
        self._set(order, "PreSubmitted")
        if self._may_work(order):
            self._set(order, "Submitted")
        self._try(order, self._market.tape(order.contract), arriving=True)
        if order.terms["tif"] in {"IOC", "FOK"} and not order.is_done and not self.hold:
            self.drop(order)

    def _may_work(self, order: Order) -> bool:
        waits = order.kind in STOPS and not order.triggered
        return not waits and not waits_for_auction(order) and (order.parent is None or order.parent.filled > 0)

    # --- matching

    def match(self, tape: Tape) -> None:
        """Trade what may trade after a price has moved."""
        self._left[tape.contract.con_id] = self._depth
        for order in list(self._open.get(tape.contract.con_id, {}).values()):
            self._try(order, tape, arriving=False)

    def _try(self, order: Order, tape: Tape, *, arriving: bool) -> None:
        if self.hold or order.status not in WORKING or waits_for_auction(order) or order.available <= 0:
            return
        price = trade_price(order, tape, arriving=arriving)
        if order.triggered and order.status == "PreSubmitted":
            self._set(order, "Submitted")
        if price is None:
            return
        quantity = self._quantity(order)
        if quantity > 0:
            self.execute(order, quantity, price)

    def _quantity(self, order: Order) -> float:
        if not self._depth:
            return order.available
        left = self._left.setdefault(order.contract.con_id, self._depth)
        quantity = min(order.available, left)
        if order.terms["tif"] == "FOK" and quantity < order.quantity:
            return 0.0
        self._left[order.contract.con_id] = left - quantity
        return quantity

    def auction(self, *, opening: bool) -> None:
        """Trade at the last price what waits for the open or for the close; cancel what does not."""
        for order in [each for each in self.open_orders() if waits_for_auction(each)]:
            if (order.terms["tif"] == "OPG") is not opening:
                continue
            price = self.price_of(order.contract)
            if within_limit(order, price) and order.available > 0:
                self.execute(order, order.available, price)
            if not order.is_done:
                self.drop(order)

    # --- executions

    def execute(self, order: Order, quantity: float, price: float, commission: float | None = -1.0) -> Execution:
        """Trade a part of an order. The commission is the vendor's usual one when it is negative, later when None."""
        if order.is_done or quantity > order.remaining + 1e-9:
            raise ValueError(f"order {order.ref or order.order_id} is {order.status} with {order.remaining:g} left")
        filled = round(order.filled + quantity, 9)
        order.average = (order.average * order.filled + price * quantity) / filled
        order.filled, order.last_price = filled, price
        earned = self.accounts[order.account].apply(order.contract, quantity * order.sign, price)
        self._sequence += 1
        name = f"{self._stem}.{self._sequence:08x}.01.01"
        now = time.time_ns()
        execution = Execution(name, order, quantity, price, now, filled, order.average, self.day, None, earned)
        self.executions[name] = execution
        self.listener.executed(execution)
        if order.remaining <= 1e-9:
            self._finish(order, "Filled")
        else:
            self._set(order, "Submitted")
        if commission is not None:
            self.charge(name, usual_commission(order.contract, quantity, price) if commission < 0 else commission)
        self._consequences(order, quantity)
        return self.executions[name]

    def charge(self, exec_id: str, commission: float) -> None:
        """Let the commission of an execution be known."""
        execution = self.executions[exec_id]
        self.accounts[execution.order.account].charge(commission - (execution.commission or 0.0))
        self.executions[exec_id] = charged = attrs.evolve(execution, commission=commission)
        self.listener.charged(charged)

    def correct(self, exec_id: str, price: float) -> Execution:
        """Correct the price of an execution; the books are as if it had always been so."""
        old = self.executions[exec_id]
        stem, _, revision = exec_id.rpartition(".")
        name = f"{stem}.{int(revision) + 1:02d}"
        order = old.order
        self._corrected.add(exec_id)
        self.executions[name] = attrs.evolve(old, exec_id=name, price=price, corrects=exec_id)
        mine = [each for each in self.fills() if each.order is order]
        order.average = sum(each.quantity * each.price for each in mine) / order.filled
        self.executions[name] = attrs.evolve(self.executions[name], average=order.average)
        self._rebuild(order.account)
        self.listener.executed(self.executions[name])
        self.listener.changed(order)
        if old.commission is not None:
            self.listener.charged(self.executions[name])
        return self.executions[name]

    def fills(self) -> list[Execution]:
        """Return every execution once, as it stands now, oldest first."""
        current = [each for name, each in self.executions.items() if name not in self._corrected]
        return sorted(current, key=lambda each: each.exec_id)

    def _rebuild(self, account: str) -> None:
        self.accounts[account].restart()
        for each in self.fills():
            if each.order.account == account:
                self.accounts[account].apply(each.order.contract, each.signed, each.price)
                self.accounts[account].charge(each.commission or 0.0)

    def _consequences(self, order: Order, quantity: float) -> None:
        for other in self._groups.get(order.oca_group, ()):
            if other is not order and not other.is_done:
                self._reduce(other, quantity)
        for child in list(self._family(order)):
            if child.transmitted:
                self._activate(child)

    def _activate(self, child: Order) -> None:
        if child.status == "PreSubmitted" and self._may_work(child):
            self._set(child, "Submitted")
        self._try(child, self._market.tape(child.contract), arriving=True)

    def _reduce(self, order: Order, quantity: float) -> None:
        """Let an order of the same group have traded: type 1 ends the others, the other types make them smaller."""
        if order.terms["ocaType"] != 1:
            order.quantity = max(order.filled, round(order.quantity - quantity, 9))
            if order.remaining > 0:
                self.listener.changed(order)
                return
        self.drop(order, "another order of its group traded")

    # --- changing and cancelling

    def modify(self, order: Order, terms: Values, contract: Contract) -> None:
        """Change the terms of an order. Raises `Refused`, and the order stays as it was."""
        if order.is_done:
            raise Refused(*((104, "Can't modify a filled order.") if order.status == "Filled" else (103, "Duplicate order id")))
        if contract is not order.contract or terms["action"] != order.terms["action"]:
            raise Refused(105, "Order being modified does not match original order.")
        if terms["orderType"] != order.kind:
            raise Refused(329, "Order modify failed. Cannot change to the new order type.")
        if terms["totalQuantity"] is None or terms["totalQuantity"] <= order.filled:
            raise Refused(105, "Order being modified does not match original order: that much has traded already.")
        self.validate(terms, contract)
        order.terms, order.quantity = terms, terms["totalQuantity"]
        order.trail_stop = None
        if terms["transmit"] and not order.transmitted:
            order.transmitted = True
            self._enter(order)
            return
        self.listener.changed(order)
        if order.transmitted:
            self._try(order, self._market.tape(contract), arriving=True)

    def cancel(self, order: Order) -> None:
        """Cancel an order, and its children if it has not traded. Raises `Refused` when it is done."""
        if order.is_done:
            raise Refused(
                10148, f"OrderId {order.order_id} that needs to be cancelled cannot be cancelled, state: {order.status}."
            )
        self._set(order, "PendingCancel")
        self.drop(order)

    def drop(self, order: Order, reason: str = "") -> None:
        """End an order as the venue does by itself."""
        order.reason = reason
        self._finish(order, "Cancelled")
        self.listener.cancelled(order)
        if not order.filled:
            for child in list(self._family(order)):
                self.drop(child, reason)

    def next_day(self) -> None:
        """Begin a new trading day: orders of the day expire, and executions are history."""
        self.day += 1
        for order in self.open_orders():
            if not order.is_done and order.terms["tif"] != "GTC":
                self.drop(order, "expired")

    def _set(self, order: Order, status: str) -> None:
        order.status = status
        self.listener.changed(order)

    def _finish(self, order: Order, status: str) -> None:
        self._open.get(order.contract.con_id, {}).pop(order.perm_id, None)
        order.completed_at = time.time_ns()
        self._set(order, status)
