"""The journal's word on what a run decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from ml4t.live.journal import JournalReader, RecordKind
from ml4t.live.journal.record import Record
from ml4t.live.model import Order
from ml4t.live.orders.desk import JOURNAL_FAILED

TERMS = (
    "symbol",
    "side",
    "quantity",
    "order_type",
    "limit_price",
    "stop_price",
    "trail_amount",
    "time_in_force",
    "created_at",
    "strategy",
    "cause",
    "parent_id",
    "oco_group",
)
"""What a strategy decides of an order, besides its id."""


class Evidence:
    """The orders that `strategy` decided on in the records after `first` and up to `last`, as the journal has them.

    An order enters the journal as an intent, or refused. Each has to be told of once, by `decided`, in the words of the replay.
    """

    def __init__(self, journal: JournalReader, strategy: str, first: int, last: int) -> None:
        self._journal = journal
        self._last = last
        self._orders: dict[str, tuple[int, bytes]] = {}
        self._told: set[str] = set()
        self._missing: list[Order] = []
        for record in _decided(journal, first, last):
            order = msgspec.convert(record.body, Order, strict=False)
            if order.strategy == strategy:
                self._orders.setdefault(order.order_id, (record.seq, terms_of(order)))

    def decided(self, orders: Sequence[Order]) -> tuple[str, str] | None:
        """Compare orders that the replay decided on with the journal's; return both sides of the first difference."""
        for order in orders:
            if order.order_id in self._told:  # asked for again under the same key: it may have changed since
                continue
            self._told.add(order.order_id)
            known = self._orders.get(order.order_id)
            if known is None:
                self._missing.append(order)
            elif known[1] != terms_of(order):
                return known[1].decode(), terms_of(order).decode()
        return None

    def returned(self, until: int) -> tuple[str, str] | None:
        """Return both sides when an order of the call that has just returned is not in the journal; None when all are.

        `until` is the journal's last record at the return: of what a crash made it forget nothing is said.
        """
        missing, self._missing = self._missing, []
        for order in missing:
            if until <= self._last and order.code != JOURNAL_FAILED and self._journal.order(order.order_id) is None:
                return "no such order in the journal", terms_of(order).decode()
        return None

    def untold(self, until: int) -> Sequence[str]:
        """Return the orders of the journal up to the record `until` that the replay did not decide on."""
        return [terms.decode() for order, (seq, terms) in self._orders.items() if order not in self._told and seq <= until]

    @property
    def last(self) -> int:
        """The last record of the run."""
        return self._last


def terms_of(order: Order) -> bytes:
    """Return what was decided of an order, as bytes."""
    return msgspec.json.encode([order.order_id, *(getattr(order, name) for name in TERMS)])


def _decided(journal: JournalReader, first: int, last: int) -> Iterator[Record]:
    for kind in (RecordKind.INTENT, RecordKind.ORDER):
        for record in journal.records(kind, after_seq=first):
            if record.seq > last:
                break
            if kind is RecordKind.INTENT or record.body.get("verdict"):
                yield record
