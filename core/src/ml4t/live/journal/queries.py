"""Everything that is ever asked of the journal, over one connection that reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from ml4t.live.errors import JournalError
from ml4t.live.journal.connections import DAMAGED, remedy, unusable
from ml4t.live.journal.encoding import decode
from ml4t.live.journal.record import Record, TrackedForecast
from ml4t.live.model import Fill, Forecast, ForecastState, Order, Resolution

T = TypeVar("T")

_PAGE = 1_000  # one short statement per page: a reader that holds one open for long keeps the log from being emptied
_ALL = -1  # what SQLite takes for "no limit"


class Queries:
    """Reads of the committed part of a journal.

    Every method raises JournalError when the file cannot be read, or holds something that this version cannot.
    """

    path: Path
    _reading: sqlite3.Connection | None = None

    def records(
        self, kind: str | None = None, subject: str | None = None, *, after_seq: int = 0, limit: int | None = None
    ) -> Iterator[Record]:
        """Iterate over records in order, from the one after `after_seq`, `limit` at most."""
        where, values = _where({"kind = ?": kind, "subject = ?": subject})
        query = f"SELECT seq, time, kind, subject, body FROM records WHERE {where} AND seq > ? ORDER BY seq LIMIT ?"  # noqa: S608
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(left, _PAGE)
            rows = self._select(query, *values, after_seq, size)
            yield from (self._record(row) for row in rows)
            if len(rows) < size:
                return
            after_seq = rows[-1][0]
            left = None if left is None else left - size

    def last(self, kind: str) -> Record | None:
        """Return the latest record of `kind`, None when there is none."""
        query = "SELECT seq, time, kind, subject, body FROM records WHERE kind = ? ORDER BY seq DESC LIMIT 1"
        rows = self._select(query, kind)
        return self._record(rows[0]) if rows else None

    def manifest(self) -> Mapping[str, Any]:
        """Return what the latest run sealed at its start; empty when there was none."""
        query = "SELECT seq, time, kind, subject, body FROM records WHERE kind = 'run' ORDER BY seq DESC LIMIT 10"
        bodies = (self._record(row).body for row in self._select(query))
        return next((body for body in bodies if "limits" in body), {})

    def last_before(self, time: int) -> int:
        """Return the number of the latest record that is older than `time` (nanoseconds UTC), 0 when there is none."""
        rows = self._select("SELECT seq FROM records WHERE time < ? ORDER BY seq DESC LIMIT 1", time)
        return int(rows[0][0]) if rows else 0

    def counts(self) -> dict[str, int]:
        """Return how many records there are of each kind."""
        return dict(self._select("SELECT kind, count(*) FROM records GROUP BY kind ORDER BY kind"))

    def orders(self, *, open_only: bool = False, symbol: str | None = None, limit: int | None = None) -> list[Order]:
        """Return orders as last known, oldest first; with `limit` the newest ones."""
        where, values = _where({"symbol = ?": symbol})
        if open_only:
            where += " AND open = 1"
        return [decode_row(Order, body, self.path) for (body,) in self._newest("orders", where, values, limit)]

    def order(self, order_id: str) -> Order | None:
        """Return one order as last known, None when there is none of that id."""
        rows = self._select("SELECT body FROM orders WHERE order_id = ?", order_id)
        return decode_row(Order, rows[0][0], self.path) if rows else None

    def fills(
        self, *, order_id: str | None = None, symbol: str | None = None, after: int | None = None, limit: int | None = None
    ) -> list[Fill]:
        """Return fills in the order they became known; `after` (nanoseconds UTC) leaves out those up to that moment."""
        where, values = _where({"order_id = ?": order_id, "symbol = ?": symbol, "time > ?": after})
        rows = self._newest("fills", where, values, limit, by_index=after is not None)
        return [decode_row(Fill, body, self.path) for (body,) in rows]

    def fill(self, venue: str, account: str, execution_id: str) -> Fill | None:
        """Return what holds of an execution: itself, or what has corrected it; None when it was never journalled."""
        query = "SELECT order_id FROM fills WHERE venue = ? AND account = ? AND execution_id = ?"
        rows = self._select(query, venue, account, execution_id)
        if not rows:
            return None
        ours = [fill for fill in self.fills(order_id=rows[0][0]) if (fill.venue, fill.account) == (venue, account)]
        by_id = {fill.execution_id: fill for fill in ours}
        later = {fill.corrects: fill.execution_id for fill in ours if fill.corrects}
        while execution_id in later:
            execution_id = later.pop(execution_id)
        return by_id[execution_id]

    def has_fill(self, venue: str, account: str, execution_id: str) -> bool:
        """True when this execution has been journalled. It reads the disk: keep what is asked often in memory."""
        query = "SELECT 1 FROM fills WHERE venue = ? AND account = ? AND execution_id = ?"
        return bool(self._select(query, venue, account, execution_id))

    def forecast(self, forecast_id: str) -> TrackedForecast | None:
        """Return one forecast with its resolution, None when there is none of that id."""
        rows = self._select("SELECT body, state, resolution FROM forecasts WHERE forecast_id = ?", forecast_id)
        return self._tracked(rows[0]) if rows else None

    def forecasts(
        self,
        *,
        model: str | None = None,
        symbol: str | None = None,
        state: ForecastState | None = None,
        due_before: int | None = None,
        limit: int | None = None,
    ) -> list[TrackedForecast]:
        """Return forecasts with their resolutions in the order of issue; with `limit` the newest ones."""
        where, values = _where({"model = ?": model, "symbol = ?": symbol, "due < ?": due_before})
        if state is not None:
            where += f" AND state = '{ForecastState(state).value}'"  # as a literal: only then is the partial index used
        few = state is ForecastState.OPEN or due_before is not None
        rows = self._newest("forecasts", where, values, limit, columns="body, state, resolution", by_index=few)
        return [self._tracked(row) for row in rows]

    def resolved_forecasts(self, limit: int) -> list[str]:
        """Return the ids of those among the newest `limit` forecasts that are resolved, in the order of issue."""
        rows = self._newest("forecasts", "1", [], limit, columns="forecast_id, state")
        return [forecast_id for forecast_id, state in rows if state != ForecastState.OPEN]

    def ledger_records(self, after_seq: int) -> list[tuple[str, int, str]]:
        """Return kind, number and subject of the records of forecasts and resolutions after `after_seq`, in order."""
        query = "SELECT kind, seq, subject FROM records WHERE +kind IN ('forecast', 'resolution') AND seq > ? ORDER BY seq"
        return self._select(query, after_seq)

    def state(self, bucket: str) -> dict[str, Any]:
        """Return the latest values of a bucket by key, as decoded JSON."""
        rows = self._select("SELECT key, body FROM state WHERE bucket = ? ORDER BY key", bucket)
        try:
            return {key: msgspec.json.decode(body) for key, body in rows}
        except msgspec.MsgspecError as error:
            raise unusable(self.path, error) from error

    def mode(self) -> str:
        """Return the mode of the runs in this journal, empty when it was opened without one."""
        rows = self._select("SELECT value FROM meta WHERE key = 'mode'")
        return str(rows[0][0]) if rows else ""

    def _newest(
        self,
        table: str,
        where: str,
        values: list[object],
        limit: int | None,
        *,
        columns: str = "body",
        by_index: bool = False,
    ) -> list[tuple[Any, ...]]:
        # Asked for the order of the table, SQLite walks the whole table; a plus sign makes it take the index and sort.
        order = "+rowid" if by_index else "rowid"
        query = f"SELECT {columns} FROM {table} WHERE {where} ORDER BY {order} DESC LIMIT ?"  # noqa: S608 - our own words
        return self._select(query, *values, _ALL if limit is None else limit)[::-1]

    def _select(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        if self._reading is None:
            raise JournalError(f"the journal {self.path} is not open; call open() first")
        try:
            return self._reading.execute(query, values).fetchall()
        except DAMAGED as error:
            raise unusable(self.path, error) from error

    def _record(self, row: tuple[Any, ...]) -> Record:
        seq, time, kind, subject, body = row
        try:
            return Record(seq, time, kind, subject, msgspec.json.decode(body))
        except msgspec.MsgspecError as error:
            raise unusable(self.path, error) from error

    def _tracked(self, row: tuple[Any, ...]) -> TrackedForecast:
        body, state, resolution = row
        outcome = None if resolution is None else decode_row(Resolution, resolution, self.path)
        return TrackedForecast(decode_row(Forecast, body, self.path), ForecastState(state), outcome)


def decode_row(kind: type[T], body: str, path: Path) -> T:
    """Return the object in a row; raise JournalError that quotes the row when it is not one."""
    try:
        return decode(kind, body)
    except msgspec.MsgspecError as error:
        raise JournalError(
            f"{path} holds a {kind.__name__} that cannot be read ({error}): {body[:200]}; {remedy(path)}"
        ) from error


def _where(conditions: dict[str, object]) -> tuple[str, list[object]]:
    """Return the SQL of those conditions that have a value, and the values."""
    given = {text: value for text, value in conditions.items() if value is not None}
    return " AND ".join(["1", *given]), list(given.values())
