"""Whether a journal is whole, and whether its tables say what its records say."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec

from ml4t.live.errors import JournalError
from ml4t.live.journal import holes
from ml4t.live.journal.connections import DAMAGED, connect_reading
from ml4t.live.journal.kinds import RecordKind

_MOST = 20  # problems of one sort that are listed; a damaged file has as many as it has rows


def verify(path: Path) -> list[str]:
    """Return what is wrong with the journal at `path` in words; an empty list when nothing is."""
    try:
        connection = connect_reading(path)
    except JournalError as error:
        return [str(error)]
    try:
        # One transaction, so that a run that goes on writing does not look like a contradiction.
        connection.execute("BEGIN")
        problems = _integrity(connection)
        return problems or contradictions(connection)
    except (*DAMAGED, msgspec.MsgspecError, KeyError, TypeError) as error:
        return [f"{path} cannot be read to the end: {type(error).__name__}: {error}"]
    finally:
        connection.close()


def contradictions(connection: sqlite3.Connection) -> list[str]:
    """Return which records are missing without a known reason, and where the tables say something else than the records."""
    return [*_sequence(connection), *_tables(connection)]


def _integrity(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(f"PRAGMA integrity_check({_MOST})").fetchall()
    return [f"integrity: {text}" for (text,) in rows if text != "ok"]


def _sequence(connection: sqlite3.Connection) -> list[str]:
    missing = holes.gaps(connection)
    if missing:  # those that a repair or a rotation has noted are no news
        missing = holes.without(missing, [known for ranges in holes.known(connection).values() for known in ranges])
    if not missing:
        return []
    (last,) = connection.execute("SELECT max(seq) FROM records").fetchone()
    return [f"records: {holes.count(missing)} of {last} are missing ({holes.words(missing)})"]


def _tables(connection: sqlite3.Connection) -> list[str]:
    found = _Expected()
    moved = bool(holes.known(connection).get(holes.MOVED))  # the fills of archived records stay
    kinds = (RecordKind.INTENT, RecordKind.ORDER, RecordKind.FILL, RecordKind.FORECAST, RecordKind.RESOLUTION)
    places = ", ".join("?" for _ in kinds)
    query = f"SELECT seq, kind, body FROM records WHERE kind IN ({places}) ORDER BY seq"  # noqa: S608 - question marks
    for seq, kind, body in connection.execute(query, kinds):
        found.add(seq, kind, body)
    return [
        *_compare(connection, "orders", "order_id", "body", found.orders),
        *_compare(connection, "fills", "json_array(venue, account, execution_id)", "body", found.fills, strict=not moved),
        *_compare(connection, "forecasts", "forecast_id", "body", found.forecasts),
        *_compare(connection, "forecasts", "forecast_id", "resolution", found.resolutions),
    ]


class _Expected:
    """Which record each row of a table must have come from, by the row's name."""

    def __init__(self) -> None:
        self.orders: dict[str, int] = {}
        self.fills: dict[str, int] = {}
        self.forecasts: dict[str, int] = {}
        self.resolutions: dict[str, int] = {}

    def add(self, seq: int, kind: str, body: str) -> None:
        fields = msgspec.json.decode(body)
        if "error" in fields and "repr" in fields:
            return  # a body that could not be written has no row
        if kind in {RecordKind.INTENT, RecordKind.ORDER}:
            self.orders[fields["order_id"]] = seq
        elif kind == RecordKind.FILL:
            names = [fields["venue"], fields["account"], fields["execution_id"]]
            self.fills.setdefault(msgspec.json.encode(names).decode(), seq)
        elif kind == RecordKind.FORECAST:
            self.forecasts.setdefault(fields["forecast_id"], seq)
        elif fields["forecast_id"] in self.forecasts:
            self.resolutions[fields["forecast_id"]] = seq


def _compare(
    connection: sqlite3.Connection, table: str, name: str, column: str, expected: dict[str, int], *, strict: bool = True
) -> list[str]:
    """Return where the `column` of `table` differs from the records that it must have come from.

    Unless `strict`, there may be rows whose records are elsewhere.
    """
    problems = []
    missing = dict(expected)
    rows = connection.execute(f"SELECT {name}, {column} FROM {table} WHERE {column} IS NOT NULL")  # noqa: S608 - our own words
    for row_name, body in rows:
        seq = missing.pop(row_name, None)
        if seq is None and not strict:
            continue
        if seq is None:
            problems.append(f"{table}: {row_name} has a {column} that no record tells of")
        elif connection.execute("SELECT body FROM records WHERE seq = ?", (seq,)).fetchone()[0] != body:
            problems.append(f"{table}: the {column} of {row_name} is not that of record {seq}")
    problems += [f"{table}: {row_name} of record {seq} is missing" for row_name, seq in missing.items()]
    if len(problems) > _MOST:
        problems[_MOST:] = [f"{table}: and {len(problems) - _MOST} more"]
    return problems
