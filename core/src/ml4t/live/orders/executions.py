"""The executions that have been booked, so that each counts once, is corrected when the venue says so, and gets its fee."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import isfinite

from attrs import evolve

from ml4t.live.model import Fill, Order, OrderState
from ml4t.live.orders.states import DUST

Key = tuple[str, str, str]
"""Venue, account and execution id: unique for ever."""


class Executions:
    """Knows every execution by its key, and what holds of it now.

    The venue may replace an execution by another (`Fill.corrects`), and tell its fee later, by reporting it again with a
    commission. What then holds is a fill of its own that corrects the first: nothing that was journalled is changed.
    The latest `recent` ones are in memory; `find` looks older ones up in the journal.
    """

    def __init__(self, find: Callable[[Key], Fill | None], recent: int) -> None:
        self._find = find
        self._most = recent
        self._recent: dict[Key, Fill] = {}
        self._replaced: dict[Key, Key] = {}

    def remember(self, fill: Fill) -> None:
        """Note that a fill has been booked; it stands for the one that it corrects, too."""
        key = key_of(fill)
        self._recent[key] = fill
        if fill.corrects:
            self._replaced[fill.venue, fill.account, fill.corrects] = key
        for known in (self._recent, self._replaced):
            if len(known) > self._most:
                del known[next(iter(known))]

    def recent(self, key: Key) -> Fill | None:
        """Return what holds of an execution booked lately, None when it is not known here."""
        while key in self._replaced:
            key = self._replaced[key]
        return self._recent.get(key)

    def find(self, key: Key) -> Fill | None:
        """Return what holds of an execution, None when it has never been booked. It may read the disk."""
        return self.recent(key) or self._find(key)

    def corrected(self, fill: Fill) -> Fill | None:
        """Return what a new fill corrects, None when it corrects nothing that was booked."""
        return self.find((fill.venue, fill.account, fill.corrects)) if fill.corrects else None


def key_of(fill: Fill) -> Key:
    """Return what tells an execution from every other."""
    return (fill.venue, fill.account, fill.execution_id)


def completed(booked: Fill, again: Fill) -> Fill | None:
    """Return the fill that gives a booked one the fee that came with a later report, None when there is nothing new."""
    if booked.commission or not again.commission:
        return None
    return evolve(booked, execution_id=f"{booked.execution_id}+fee", corrects=booked.execution_id, commission=again.commission)


def effective(fills: Iterable[Fill]) -> Iterator[Fill]:
    """Yield the fills that hold: those that no other one corrects, and that were not taken back altogether."""
    listed = list(fills)
    replaced = {(fill.venue, fill.account, fill.corrects) for fill in listed if fill.corrects}
    return (fill for fill in listed if fill.quantity and key_of(fill) not in replaced)


def fill_difference(order: Order | None, fill: Fill, corrected: Fill | None) -> dict[str, str] | None:
    """Return what a fill contradicts, None when it was to be expected."""
    traded = f"{fill.signed_quantity:g} at {fill.price:g}"
    if corrected is not None:
        before = f"{corrected.signed_quantity:g} at {corrected.price:g}"
        return None if before == traded else _difference("corrected_fill", corrected.execution_id, before, traded)
    if order is None:
        return _difference("foreign_fill", fill.execution_id, "", traded)
    if order.state in {OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED}:
        return _difference("late_fill", order.order_id, order.reason or order.state, traded)
    if order.filled_quantity + fill.quantity > order.largest_quantity * (1.0 + DUST):
        return _difference("over_fill", order.order_id, f"{order.remaining:g} left", traded)
    return None


def _difference(what: str, subject: str, ours: str, venue: str) -> dict[str, str]:
    return {"what": what, "subject": subject, "ours": ours, "venue": venue}


def fill_problem(fill: Fill) -> str:
    """Return why a fill cannot be booked, empty when it can."""
    if not fill.execution_id:
        return "it has no execution id, so it could not be told from the next"
    if not (isfinite(fill.quantity) and (fill.quantity > 0 or (fill.corrects and fill.quantity == 0))):
        return f"its quantity is {fill.quantity!r}"
    if not (isfinite(fill.price) and isfinite(fill.commission)):
        return f"its price is {fill.price!r}, its commission {fill.commission!r}"
    return ""
