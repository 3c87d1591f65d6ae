"""The rows of one transaction."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence

from ml4t.live.journal.encoding import clean, encode, encode_failure
from ml4t.live.journal.kinds import RecordKind
from ml4t.live.journal.projections import (
    FILL,
    FORECAST,
    ORDER,
    RESOLUTION,
    fill_row,
    forecast_row,
    order_row,
    resolution_row,
)
from ml4t.live.journal.record import StatePut
from ml4t.live.model import Fill, Forecast, Order, Resolution

Callback = Callable[[], None]
Entry = tuple[int, int, str, str, object, Sequence[StatePut], Callback | None, bool]
"""One append: seq, time, kind, subject, body, the state that changes with it, whom to tell, and whether it may only be
committed together with the entry before it. A plain tuple is the cheapest thing that Python can make, and one is made per
append."""
Puts = Mapping[tuple[str, str], object]

_RECORD = "INSERT INTO records VALUES (?, ?, ?, ?, ?)"
_PUT = "INSERT INTO state VALUES (?, ?, ?) ON CONFLICT (bucket, key) DO UPDATE SET body = excluded.body"
_DELETE = "DELETE FROM state WHERE bucket = ? AND key = ?"


class Batch:
    """Everything that one commit writes, encoded once: a batch that the disk refuses is written again as it is.

    `puts` are applied after the entries. `last_seq` is the last record in it, 0 when there is none.
    """

    def __init__(self, entries: Iterable[Entry], puts: Puts) -> None:
        self.callbacks: list[Callback] = []
        self.fill_keys: list[tuple[str, str, str]] = []
        self.last_seq = 0
        self._records: list[tuple[object, ...]] = []
        self._orders: dict[str, tuple[object, ...]] = {}
        self._fills: list[tuple[object, ...]] = []
        self._forecasts: list[tuple[str, tuple[object, ...]]] = []
        self._state: dict[tuple[str, str], object] = {}
        self._tables: dict[str, Callable[..., None]] = {
            RecordKind.INTENT: self._add_order,
            RecordKind.ORDER: self._add_order,
            RecordKind.FILL: self._add_fill,
            RecordKind.FORECAST: self._add_forecast,
            RecordKind.RESOLUTION: self._add_resolution,
        }
        for entry in entries:
            self._add(entry)
        self._state.update(puts)
        self._changes = {(clean(b), clean(k)): None if v is None else encode(v) for (b, k), v in self._state.items()}

    def write(self, connection: sqlite3.Connection) -> None:
        """Write it in one transaction; on any error nothing is written and the error is raised."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._insert(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:  # SQLite has rolled back by itself after some errors
                connection.execute("ROLLBACK")
            raise

    def _insert(self, connection: sqlite3.Connection) -> None:
        connection.executemany(_RECORD, self._records)
        if self._orders:
            connection.executemany(ORDER, self._orders.values())
        if self._fills:
            connection.executemany(FILL, self._fills)
        # In the order of the records, so that the outcome does not depend on where one commit ends and the next begins.
        for statement, rows in itertools.groupby(self._forecasts, key=lambda change: change[0]):
            connection.executemany(statement, [row for _, row in rows])
        if self._changes:
            connection.executemany(_PUT, [(*name, text) for name, text in self._changes.items() if text is not None])
            connection.executemany(_DELETE, [name for name, text in self._changes.items() if text is None])

    def _add(self, entry: Entry) -> None:
        seq, time, kind, subject, body, state, on_durable, _ = entry
        text = encode(body)
        project = self._tables.get(kind)
        if project is not None:
            try:
                project(body, text)
            except Exception as error:  # noqa: BLE001 - an object with odd fields still leaves its record
                text = encode_failure(body, error)
        self._records.append((seq, time, clean(kind), clean(subject), text))
        for bucket, key, value in state:
            self._state[bucket, key] = value
        if on_durable is not None:
            self.callbacks.append(on_durable)
        self.last_seq = seq

    def _add_order(self, order: Order, text: str) -> None:
        row = order_row(order, text)
        self._orders[str(row[0])] = row

    def _add_fill(self, fill: Fill, text: str) -> None:
        self.fill_keys.append((fill.venue, fill.account, fill.execution_id))
        self._fills.append(fill_row(fill, text))

    def _add_forecast(self, forecast: Forecast, text: str) -> None:
        self._forecasts.append((FORECAST, forecast_row(forecast, text)))

    def _add_resolution(self, resolution: Resolution, text: str) -> None:
        self._forecasts.append((RESOLUTION, resolution_row(resolution, text)))
