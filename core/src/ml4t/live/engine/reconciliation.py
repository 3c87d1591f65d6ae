"""Compares the venue's books with ours: every difference gets a name, and only what stays the same is believed.

This is row 49 of the table of controls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from math import isclose
from typing import Any

from attrs import asdict, evolve, frozen

from ml4t.live.clock import Clock
from ml4t.live.contracts.broker import BrokerSnapshot, OrderUpdate
from ml4t.live.journal import RecordKind, StatePut
from ml4t.live.model import Fill, Order, OrderState, Position, Terms
from ml4t.live.orders.desk import Desk
from ml4t.live.orders.ports import Recorder
from ml4t.live.times import NANOS

SETTLE_SECONDS = 5.0
"""How long a difference has to last, and a symbol to be quiet, before it is one: snapshots lag, and fills are on their way."""
CENT = 0.01
"""Cash that counts as the same."""
SPLITS = (3 / 2, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 100.0)
"""Ratios of the usual splits; their inverses are reverse splits."""
PRICE_SLACK = 0.2
"""How far a price may be from what a split makes of it: the market moves as well."""

_SETTLE = round(SETTLE_SECONDS * NANOS)


class What(StrEnum):
    """The kinds of difference."""

    MISSED_FILL = "missed_fill"
    """An execution that nobody told us of."""
    FOREIGN_ORDER = "foreign_order"
    """An order at the venue that is not ours."""
    FINISHED_ORDER = "finished_order"
    """An order that had ended here and works at the venue."""
    UNKNOWN_ORDER = "unknown_order"
    """An order that is open here and that the venue does not show; it is asked about."""
    QUANTITY_DRIFT = "quantity_drift"
    """A holding that no execution explains."""
    CORPORATE_ACTION = "corporate_action_suspected"
    """A holding that has changed by the ratio of a split, with its price the other way."""
    CASH_DRIFT = "cash_drift"
    """Money that no execution explains: interest, a fee, a dividend, a deposit."""


HARMLESS = frozenset({What.MISSED_FILL, What.UNKNOWN_ORDER, What.CASH_DRIFT})
"""What explains itself or is being asked about: it is journalled and taken over, whatever the policy."""


@frozen
class Difference:
    """One thing on which the two books disagree. `symbol` is empty for money."""

    what: What
    subject: str
    symbol: str
    ours: float | str
    venue: float | str

    def __str__(self) -> str:
        return f"{self.what} {self.subject}: {self.ours} here, {self.venue} at the venue"


def fill_differences(fills: Iterable[Fill], before: int) -> Iterator[Difference]:
    """Name the executions, none of them known, that the stream should have brought `before` (nanoseconds UTC)."""
    for fill in fills:
        if fill.time < before:
            yield Difference(
                What.MISSED_FILL, fill.execution_id, fill.symbol, "", f"{fill.signed_quantity:g} at {fill.price:g}"
            )


def order_differences(
    orders: Sequence[Order], theirs: Sequence[Order], known: Callable[[str], Order | None]
) -> Iterator[Difference]:
    """Compare the orders that are open here with those that work at the venue."""
    shown = {order.order_id for order in theirs}
    for there in theirs:
        ours = known(there.order_id) if there.order_id else None
        if ours is None:
            yield Difference(What.FOREIGN_ORDER, there.order_id or there.venue_order_id, there.symbol, "", there.venue_order_id)
        elif not ours.is_open:
            yield Difference(What.FINISHED_ORDER, ours.order_id, ours.symbol, ours.state.value, there.state.value)
    for order in orders:
        if order.order_id not in shown:
            yield Difference(What.UNKNOWN_ORDER, order.order_id, order.symbol, order.state.value, "")


def position_differences(ours: Mapping[str, Position], theirs: Mapping[str, Position]) -> Iterator[Difference]:
    """Compare holdings."""
    for symbol in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(symbol), theirs.get(symbol)
        held, said = (here.quantity if here else 0.0), (there.quantity if there else 0.0)
        if not isclose(held, said, rel_tol=1e-9, abs_tol=1e-12):
            split = here is not None and there is not None and is_split(here, there)
            yield Difference(What.CORPORATE_ACTION if split else What.QUANTITY_DRIFT, symbol, symbol, held, said)


def cash_differences(ours: float, theirs: float) -> Iterator[Difference]:
    """Compare cash."""
    if abs(ours - theirs) > max(CENT, abs(theirs) * 1e-9):
        yield Difference(What.CASH_DRIFT, "cash", "", ours, theirs)


def is_split(before: Position, after: Position) -> bool:
    """True when a holding has changed by the ratio of a split, and its mark or its cost by the inverse."""
    ratio = after.quantity / before.quantity
    if not any(isclose(ratio, split, rel_tol=0.01) or isclose(ratio * split, 1.0, rel_tol=0.01) for split in SPLITS):
        return False
    prices = [(before.average_price, after.average_price), (before.mark, after.mark)]
    return any(a and b and isclose(b * ratio, a, rel_tol=PRICE_SLACK) for a, b in prices)


class Reconciler:
    """Looks at snapshots, one after the other.

    Executions are booked at once, because they explain themselves. Any other difference has to be the same in two looks at
    least `SETTLE_SECONDS` apart, in a symbol in which nothing has changed here for as long and no order is on its way.
    Then the venue is right: its figure is taken over, and whoever listens decides whether to go on trading.
    """

    def __init__(self, desk: Desk, clock: Clock, record: Recorder, *, doubt: Callable[[str], None]) -> None:
        self._desk = desk
        self._clock = clock
        self._record = record
        self._doubt = doubt
        self._suspected: dict[Difference, int] = {}
        self._reported: set[Difference] = set()
        self.waiting = False
        """True when something differs that another look, after `SETTLE_SECONDS`, has to confirm."""

    def open(self, snapshot: BrokerSnapshot) -> list[Difference]:
        """Take over an account that has no books here yet: nothing to disagree with, but all of it is journalled."""
        desk = self._desk
        with desk.lock:
            for fill in snapshot.fills:
                desk.fill(fill, missed=True)
            found = list(self._compare(snapshot))
            self._adopt(snapshot, [*found, *cash_differences(desk.portfolio.cash, snapshot.account.cash)])
            self._reported = {each for each in found if each.what is What.FOREIGN_ORDER}
            self._ask_about(found)
            self._write("opening", snapshot, found)
        return found

    def look(self, snapshot: BrokerSnapshot, asked: int, *, when: str) -> list[Difference]:
        """Compare with a snapshot asked for at `asked` (monotonic); return what is new and certain, journalled and adopted."""
        desk = self._desk
        with desk.lock:
            missed = [fill for fill in snapshot.fills if not desk.keeper.knows(fill)]
            # On a line that is up, the latest executions are still on their way here.
            due = self._clock.now() - (_SETTLE if when == "timer" else 0)
            fresh = list(fill_differences(missed, due + (when != "timer")))
            for fill in missed:
                desk.fill(fill, missed=True)
            self._see_working(snapshot)
            found = list(self._compare(snapshot))
            stable = [each for each in found if self._is_quiet(each, snapshot, asked - _SETTLE)]
            sure = [each for each in stable if asked - self._suspected.get(each, asked) >= _SETTLE]
            self._suspected = {each: self._suspected.get(each, asked) for each in stable}
            self._reported &= set(found)
            self.waiting = any(each.what is not What.UNKNOWN_ORDER for each in set(found) - set(sure) - self._reported)
            fresh += [each for each in sure if each not in self._reported]
            self._reported |= set(sure)
            self._adopt(snapshot, sure)
            self._ask_about(stable)
            if fresh or when != "timer":
                self._write(when, snapshot, fresh)
        return fresh

    def _compare(self, snapshot: BrokerSnapshot) -> Iterator[Difference]:
        desk = self._desk
        yield from order_differences(desk.orders.open_orders, snapshot.orders, desk.orders.get)
        theirs = {position.symbol: position for position in snapshot.positions if position.quantity}
        yield from position_differences(desk.portfolio.positions, theirs)
        yield from cash_differences(desk.portfolio.cash, snapshot.account.cash)

    def _see_working(self, snapshot: BrokerSnapshot) -> None:
        shown = {order.order_id: order for order in snapshot.orders if order.order_id}
        for order in self._desk.orders.open_orders:
            there = shown.get(order.order_id)
            if there is not None:
                now = self._clock.now()
                update = OrderUpdate(order.order_id, OrderState.WORKING, now, there.venue_order_id, terms=_news(order, there))
                self._desk.order(update)

    def _is_quiet(self, each: Difference, snapshot: BrokerSnapshot, since: int) -> bool:
        """True when nothing that is under way can explain a difference."""
        touched = self._desk.keeper.touched
        if each.what is What.CASH_DRIFT:
            quiet = max(touched.values(), default=since) <= since
        else:
            quiet = touched.get(each.symbol, since) <= since
        if not quiet or each.what in {What.FOREIGN_ORDER, What.FINISHED_ORDER, What.UNKNOWN_ORDER}:
            return quiet
        filled = {order.order_id: order.filled_quantity for order in snapshot.orders}
        mine = [order for order in self._desk.orders.open_orders if each.symbol in {"", order.symbol}]
        return all(filled.get(order.order_id) == order.filled_quantity for order in mine)

    def _adopt(self, snapshot: BrokerSnapshot, sure: Sequence[Difference]) -> None:
        """Let the venue's figures replace ours where they differ for certain, and journal the lines that change."""
        desk = self._desk
        theirs = {position.symbol: position for position in snapshot.positions if position.quantity}
        positions, cash, equity = dict(desk.portfolio.positions), desk.portfolio.cash, desk.portfolio.equity
        lines: list[StatePut] = []
        for each in sure:
            if each.what is What.FINISHED_ORDER:
                desk.reopen(each.subject, "it works at the venue")
            elif each.what is What.CASH_DRIFT:
                cash = snapshot.account.cash
            elif each.what in {What.QUANTITY_DRIFT, What.CORPORATE_ACTION}:
                before = positions.pop(each.symbol, None)
                if each.symbol in theirs:
                    positions[each.symbol] = _merged(before, theirs[each.symbol], split=each.what is What.CORPORATE_ACTION)
                lines.append(StatePut("position", each.symbol, positions.get(each.symbol)))
        if lines or cash != desk.portfolio.cash:
            brought = cash != desk.portfolio.cash
            desk.portfolio.restore(cash, positions, desk.portfolio.commission, desk.portfolio.realised)
            if brought:  # as far as no position went for it
                lines.append(desk.deposited(desk.portfolio.equity - equity))
            lines.append(StatePut("account", "books", desk.portfolio.state()))
            self._record(RecordKind.ACCOUNT, snapshot.account.account, snapshot.account, state=lines)

    def _ask_about(self, differences: Iterable[Difference]) -> None:
        for each in differences:
            if each.what is What.UNKNOWN_ORDER:
                self._doubt(each.subject)

    def _write(self, when: str, snapshot: BrokerSnapshot, differences: Sequence[Difference]) -> None:
        account = snapshot.account.account
        listed: list[dict[str, Any]] = [asdict(each) for each in differences]
        body = {"clean": not differences, "when": when, "differences": listed, "account": account}
        self._record(RecordKind.RECONCILIATION, account, body)


def _news(ours: Order, there: Order) -> Terms | None:
    """Return the terms that an order has at the venue when they are the outcome of its amendment, and else None."""
    return there.terms if there.terms == ours.amendment else None


def _merged(ours: Position | None, theirs: Position, *, split: bool) -> Position:
    """Return the venue's position with what only we know: our last mark, and what the symbol has earned here."""
    if ours is None:
        return theirs
    mark = theirs.mark if theirs.mark is not None or split else ours.mark
    opened_at = theirs.opened_at or ours.opened_at
    return evolve(theirs, mark=mark, realised_pnl=theirs.realised_pnl or ours.realised_pnl, opened_at=opened_at)
