"""Executions as IB tells them: corrections named by their ids, and fees that come later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from sys import intern

from attrs import frozen
from ib_async import CommissionReport, Contract, Execution
from ib_async.util import UNSET_INTEGER

from ml4t.live.model import Fill, OrderSide
from ml4t.live.times import to_nanoseconds

VENUE = "ib"
"""What fills are marked with, so that their execution ids are IB's."""


def corrected_id(execution_id: str) -> str:
    """Return the id of the execution that this one takes the place of, empty when it is the first.

    IB corrects an execution by one whose id differs in the last group only (`...01.01`, then `...01.02`). Every correction
    names the first: whoever missed one in between still knows what to replace.
    """
    stem, _, turn = execution_id.rpartition(".")
    return f"{stem}.{1:0{len(turn)}}" if stem and turn.isdigit() and int(turn) > 1 else ""


def in_order(execution_id: str) -> tuple[str, int]:
    """Return a key by which corrections sort behind what they correct."""
    stem, _, turn = execution_id.rpartition(".")
    return stem, int(turn) if turn.isdigit() else 0


@frozen
class Executed:
    """What is kept of an execution. A day may have many, and IB's own objects are several times as large."""

    execution_id: str
    order_id: str
    contract: Contract
    side: OrderSide
    quantity: float
    price: float
    time: int
    account: str
    perm_id: int

    @classmethod
    def of(cls, contract: Contract, execution: Execution) -> Executed:
        """Return what IB has told."""
        return cls(
            execution.execId,
            execution.orderRef,
            contract,
            OrderSide.BUY if execution.side == "BOT" else OrderSide.SELL,
            float(execution.shares),
            float(execution.price),
            to_nanoseconds(execution.time),
            intern(execution.acctNumber),
            execution.permId,
        )


class Executions:
    """The executions of one connection, with what has become known of their fees.

    `rate` returns what one unit of a currency is worth in that of the account.
    """

    def __init__(self, symbol: Callable[[Contract], str], rate: Callable[[str], float]) -> None:
        self._symbol = symbol
        self._rate = rate
        self._known: dict[str, Executed] = {}
        self._of_order: dict[str, list[str]] = {}
        self._contracts: dict[tuple[int, str], Contract] = {}
        self._numbers: dict[int, int] = {}
        self._fees: dict[str, float] = {}

    def executed(self, contract: Contract, execution: Execution) -> Fill:
        """Take in an execution, and return it."""
        # One object for all executions of an instrument; a combination has no number.
        shared = self._contracts.setdefault((contract.conId, contract.localSymbol), contract)
        known = Executed.of(shared, execution)
        if known.execution_id not in self._known:
            self._of_order.setdefault(known.order_id, []).append(known.execution_id)
        self._known[known.execution_id] = known
        if execution.orderId != UNSET_INTEGER:  # as it is for an order that was placed by hand
            client = execution.clientId
            self._numbers[client] = max(self._numbers.get(client, 0), execution.orderId)
        return self._fill(known)

    def charged(self, report: CommissionReport) -> Fill | None:
        """Take in a fee; return the execution with it, None while that is not known, and when the fee was."""
        if report.execId in self._fees:
            return None  # every answer to a question about executions repeats them all
        self._fees[report.execId] = report.commission * self._rate(report.currency)
        known = self._known.get(report.execId)
        return None if known is None else self._fill(known)

    def since(self, moment: int) -> list[Fill]:
        """Return the executions since `moment` (nanoseconds UTC), corrections behind what they correct."""
        recent = [self._fill(known) for known in self._known.values() if known.time >= moment]
        return sorted(recent, key=lambda fill: (fill.time, in_order(fill.execution_id)))

    def contracts(self) -> Iterable[Contract]:
        """Return the contracts that were traded."""
        return list(self._contracts.values())

    def traded(self, order_id: str) -> float:
        """Return how much of an order has traded, corrections taken into account."""
        latest: dict[str, tuple[int, float]] = {}
        for known in self._all_of(order_id):
            stem, turn = in_order(known.execution_id)
            latest[stem] = max(latest.get(stem, (-1, 0.0)), (turn, known.quantity))
        return sum(shares for _, shares in latest.values())

    def highest_order_id(self, client_id: int) -> int:
        """Return the highest number that an order of a client with an execution has."""
        return self._numbers.get(client_id, 0)

    def find(self, order_id: str) -> Executed | None:
        """Return an execution of an order, None when there is none."""
        return next(iter(self._all_of(order_id)), None)

    def _all_of(self, order_id: str) -> list[Executed]:
        return [self._known[execution_id] for execution_id in self._of_order.get(order_id, ())]

    def _fill(self, known: Executed) -> Fill:
        return Fill(
            execution_id=known.execution_id,
            order_id=known.order_id,
            symbol=self._symbol(known.contract),
            side=known.side,
            quantity=known.quantity,
            price=known.price,
            time=known.time,
            commission=self._fees.get(known.execution_id, 0.0),
            venue=VENUE,
            account=known.account,
            venue_order_id=str(known.perm_id or ""),
            corrects=corrected_id(known.execution_id),
        )
