"""The questions that reports ask of a journal: SQL that adds up, so that no history is ever held in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ml4t.live.journal import JournalReader, Record, RecordKind, TrackedForecast
from ml4t.live.journal.queries import decode_row
from ml4t.live.model import Fill, Order
from ml4t.live.orders.executions import key_of

_COLUMNS = "seq, time, kind, subject, body"
_PAGE = 1_000


class ReportReader(JournalReader):
    """A journal reader that also adds up. Every method raises JournalError as the reader's own do."""

    _schemas: tuple[str, ...] = ("main",)
    """The databases behind this reader, oldest first."""

    def runs(self) -> list[Record]:
        """Return the records that begin and end runs, oldest first."""
        return list(self.records(RecordKind.RUN))

    def span(self) -> tuple[int, int]:
        """Return the times of the first and last record (nanoseconds UTC); zeros when nothing has a time yet."""
        # A replay's clock stands at zero until its first event: those records are before the period, not in 1970.
        first = self._select("SELECT time FROM records WHERE time > 0 ORDER BY seq LIMIT 1")
        # Nor is looking after the journal, weeks later, a part of what ran.
        last = self._select("SELECT time FROM records WHERE kind NOT IN ('rotation', 'repair') ORDER BY seq DESC LIMIT 1")
        return (first[0][0], last[0][0]) if first else (0, 0)

    def orders_by_state(self) -> dict[str, int]:
        """Return how many orders ended, or stand, in each state."""
        return dict(self._select("SELECT state, count(*) FROM orders GROUP BY state ORDER BY count(*) DESC, state"))

    def orders_by_symbol(self) -> dict[str, int]:
        """Return how many orders there were of each symbol, refused ones included."""
        return dict(self._select("SELECT symbol, count(*) FROM orders GROUP BY symbol ORDER BY symbol"))

    def refusals(self) -> list[dict[str, Any]]:
        """Return what each check refused: check, code, count, and the latest reason as an example; the most frequent first."""
        names = {"check": "$.check", "code": "$.code"}
        return self._tally(RecordKind.VERDICT, names, example="$.reason", where="NOT json_extract(body, '$.allowed')")

    def firings(self) -> list[dict[str, Any]]:
        """Return how often each trigger fired, and its latest reason."""
        return self._tally(RecordKind.FIRING, {"trigger": "$.trigger"}, example="$.reason")

    def suppressed(self) -> dict[str, int]:
        """Return how many firings of each trigger were suppressed (cooldown, warm-up)."""
        return {row["trigger"]: row["count"] for row in self._tally(RecordKind.SUPPRESSED, {"trigger": "$.trigger"})}

    def declined(self) -> dict[str, int]:
        """Return how often each forecaster was asked and gave nothing."""
        return dict(self._select("SELECT subject, count(*) FROM records WHERE kind = 'declined' GROUP BY subject"))

    def errors(self) -> list[dict[str, Any]]:
        """Return the exceptions by component: count and the latest one."""
        query = (
            "SELECT subject, count(*), json_extract(body, '$.type'), json_extract(body, '$.message'), max(seq) "
            "FROM records WHERE kind = 'error' GROUP BY subject ORDER BY 2 DESC, 1"
        )
        return [{"component": s, "count": n, "example": f"{kind}: {text}"} for s, n, kind, text, _ in self._select(query)]

    def gaps(self) -> list[dict[str, Any]]:
        """Return the holes in the data by symbol and reason: count, total length, and how many events were recovered."""
        query = (
            "SELECT subject, json_extract(body, '$.reason'), count(*), "
            "sum(json_extract(body, '$.end') - json_extract(body, '$.start')), sum(json_extract(body, '$.recovered')) "
            "FROM records WHERE kind = 'gap' GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
        )
        return [
            {"symbol": symbol, "reason": reason, "count": count, "seconds": (length or 0) / 1e9, "recovered": recovered}
            for symbol, reason, count, length, recovered in self._select(query)
        ]

    def health_by_state(self) -> list[dict[str, Any]]:
        """Return how often each part was in each state, with the latest record of that; the most frequent first."""
        query = (
            "SELECT subject, json_extract(body, '$.state'), count(*), time, body, max(seq) "
            "FROM records WHERE kind = 'health' GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"
        )
        return [
            {"part": part, "state": state or "", "count": count, "latest": self._record((seq, time, "health", part, body))}
            for part, state, count, time, body, seq in self._select(query)
        ]

    def time_before(self, seq: int) -> int:
        """Return the time of the last record before number `seq` (nanoseconds UTC), 0 when there is none."""
        rows = self._select("SELECT time FROM records WHERE seq < ? ORDER BY seq DESC LIMIT 1", seq)
        return int(rows[0][0]) if rows else 0

    def health(self) -> list[Record]:
        """Return the latest health record of each part."""
        query = f"SELECT {_COLUMNS}, max(seq) FROM records WHERE kind = 'health' GROUP BY subject ORDER BY subject"  # noqa: S608
        return [self._record(row[:5]) for row in self._select(query)]

    def intents_since(self, time: int, *, at_most: int = 10_000) -> int:
        """Return how many orders were sent after `time` (nanoseconds UTC), of the latest `at_most`."""
        latest = "SELECT time FROM records WHERE kind = 'intent' ORDER BY seq DESC LIMIT ?"
        return int(self._select(f"SELECT count(*) FROM ({latest}) WHERE time > ?", at_most, time)[0][0])  # noqa: S608

    def newest(
        self, kind: str, *, symbols: Iterable[str] | None = None, before: int | None = None, limit: int = 5
    ) -> list[Record]:
        """Return the latest records of a kind, newest last; of bodies with one of these `symbols`, up to `before`."""
        where = "kind = ?"
        values: list[object] = [kind]
        if before is not None:
            where += " AND time <= ?"
            values.append(before)
        if symbols is not None:
            wanted = list(symbols)
            where += f" AND json_extract(body, '$.symbol') IN ({', '.join('?' for _ in wanted)})"
            values += wanted
        query = f"SELECT {_COLUMNS} FROM records WHERE {where} ORDER BY seq DESC LIMIT ?"  # noqa: S608 - question marks
        return [self._record(row) for row in self._select(query, *values, limit)][::-1]

    def order_records(self, order_id: str) -> list[Record]:
        """Return everything that was recorded under an order's id, in order."""
        return list(self.records(subject=order_id))

    def latest_orders(
        self, *, symbol: str | None = None, before: int | None = None, traded: bool = False, limit: int = 5
    ) -> list[Order]:
        """Return the latest orders, newest last; `traded` leaves out those without a fill."""
        where = "1"
        values: list[object] = []
        if symbol is not None:
            where += " AND symbol = ?"
            values.append(symbol)
        if before is not None:
            where += " AND created_at <= ?"
            values.append(before)
        if traded:
            where += " AND json_extract(body, '$.filled_quantity') > 0"
        query = f"SELECT body FROM orders WHERE {where} ORDER BY rowid DESC LIMIT ?"  # noqa: S608 - question marks
        return [decode_row(Order, body, self.path) for (body,) in self._select(query, *values, limit)][::-1]

    def forecasts_by_symbol(self) -> dict[str, int]:
        """Return how many forecasts there were of each symbol."""
        return dict(self._select("SELECT symbol, count(*) FROM forecasts GROUP BY symbol"))

    def firings_by_symbol(self) -> dict[str, int]:
        """Return how often triggers fired for each symbol; firings that concern no symbol are left out."""
        return {row["symbol"]: row["count"] for row in self._tally(RecordKind.FIRING, {"symbol": "$.symbol"}) if row["symbol"]}

    def every_forecast(self) -> Iterator[TrackedForecast]:
        """Iterate over all forecasts with their resolutions in the order of issue, a page at a time."""
        for schema in self._schemas:
            query = f"SELECT rowid, body, state, resolution FROM {schema}.forecasts WHERE rowid > ? ORDER BY rowid LIMIT ?"  # noqa: S608
            after = 0
            while rows := self._select(query, after, _PAGE):
                yield from (self._tracked(row[1:]) for row in rows)
                after = rows[-1][0]

    def every_fill(self) -> Iterator[Fill]:
        """Iterate over all fills that hold, in the order in which they became known, a page at a time."""
        replaced = (
            "SELECT venue, account, json_extract(body, '$.corrects') FROM fills WHERE json_extract(body, '$.corrects') != ''"
        )
        corrected = set(self._select(replaced))
        yield from (fill for fill in self._pages_of_fills() if fill.quantity and key_of(fill) not in corrected)

    def _pages_of_fills(self) -> Iterator[Fill]:
        after = 0
        while rows := self._select("SELECT rowid, body FROM fills WHERE rowid > ? ORDER BY rowid LIMIT ?", after, _PAGE):
            yield from (decode_row(Fill, body, self.path) for _, body in rows)
            after = rows[-1][0]

    def order_ids(self, prefix: str, *, limit: int = 10) -> list[str]:
        """Return the ids that begin with `prefix`."""
        query = "SELECT order_id FROM orders WHERE substr(order_id, 1, ?) = ? ORDER BY rowid LIMIT ?"
        return [order_id for (order_id,) in self._select(query, len(prefix), prefix, limit)]

    def symbols(self) -> list[str]:
        """Return every symbol that was ordered or forecast."""
        query = "SELECT symbol FROM orders UNION SELECT symbol FROM forecasts UNION SELECT symbol FROM fills ORDER BY 1"
        return [symbol for (symbol,) in self._select(query)]

    def _tally(
        self, kind: RecordKind, names: Mapping[str, str], *, example: str | None = None, where: str = "1"
    ) -> list[dict[str, Any]]:
        """Count records by what is at some paths of their bodies; with `example`, the latest value there comes along."""
        # A bare column beside max() has the value of the row that has the maximum: SQLite promises it.
        columns = [*(f"json_extract(body, '{path}')" for path in names.values()), "count(*)"]
        columns += [f"json_extract(body, '{example}')", "max(seq)"] if example else []
        places = ", ".join(str(number + 1) for number in range(len(names)))
        count = len(names) + 1
        query = (
            f"SELECT {', '.join(columns)} FROM records WHERE kind = ? AND {where} "  # noqa: S608 - our own words
            f"GROUP BY {places} ORDER BY {count} DESC, {places}"
        )
        keys = [*names, "count", *(["example"] if example else [])]
        return [dict(zip(keys, row, strict=False)) for row in self._select(query, kind.value)]
