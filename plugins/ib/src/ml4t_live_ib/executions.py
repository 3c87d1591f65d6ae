"""Executions as IB tells them: corrections named by their ids, and fees that come later."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ib_async import CommissionReport, Contract, Execution

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


class Executions:
    """The executions of one connection, with what has become known of their fees.

    `rate` returns what one unit of a currency is worth in that of the account.
    """

    def __init__(self, symbol: Callable[[Contract], str], rate: Callable[[str], float]) -> None:
        self._symbol = symbol
        self._rate = rate
        self._known: dict[str, tuple[Contract, Execution]] = {}
        self._fees: dict[str, float] = {}

    def executed(self, contract: Contract, execution: Execution) -> Fill:
        """Take in an execution, and return it."""
        self._known[execution.execId] = (contract, execution)
        return self._fill(contract, execution)

    def charged(self, report: CommissionReport) -> Fill | None:
        """Take in a fee; return the execution with it, None while that is not known, and when the fee was."""
        if report.execId in self._fees:
            return None  # every answer to a question about executions repeats them all
        self._fees[report.execId] = report.commission * self._rate(report.currency)
        known = self._known.get(report.execId)
        return None if known is None else self._fill(*known)

    def since(self, moment: int) -> list[Fill]:
        """Return the executions since `moment` (nanoseconds UTC), corrections behind what they correct."""
        fills = [self._fill(contract, execution) for contract, execution in self._known.values()]
        recent = [fill for fill in fills if fill.time >= moment]
        return sorted(recent, key=lambda fill: (fill.time, in_order(fill.execution_id)))

    def contracts(self) -> Iterable[Contract]:
        """Return the contracts that were traded."""
        return [contract for contract, _ in self._known.values()]

    def traded(self, order_id: str) -> float:
        """Return how much of an order has traded, corrections taken into account."""
        latest: dict[str, tuple[int, float]] = {}
        for _, execution in self._known.values():
            if execution.orderRef == order_id:
                stem, turn = in_order(execution.execId)
                latest[stem] = max(latest.get(stem, (-1, 0.0)), (turn, execution.shares))
        return sum(shares for _, shares in latest.values())

    def highest_order_id(self, client_id: int) -> int:
        """Return the highest number that an order of a client with an execution has."""
        numbers = [each.orderId for _, each in self._known.values() if each.clientId == client_id]
        return max(numbers, default=0)

    def find(self, order_id: str) -> Execution | None:
        """Return an execution of an order, None when there is none."""
        return next((each for _, each in self._known.values() if each.orderRef == order_id), None)

    def _fill(self, contract: Contract, execution: Execution) -> Fill:
        return Fill(
            execution_id=execution.execId,
            order_id=execution.orderRef,
            symbol=self._symbol(contract),
            side=OrderSide.BUY if execution.side == "BOT" else OrderSide.SELL,
            quantity=float(execution.shares),
            price=float(execution.price),
            time=to_nanoseconds(execution.time),
            commission=self._fees.get(execution.execId, 0.0),
            venue=VENUE,
            account=execution.acctNumber,
            venue_order_id=str(execution.permId or ""),
            corrects=corrected_id(execution.execId),
        )
