"""The tables, their version, and whose they are."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ml4t.live.errors import JournalError

VERSION = 1
APPLICATION_ID = 0x4D4C344C  # "ML4L": tells our file from any other SQLite database

_TABLES = (
    # seq is the rowid: the order of the records is the order of the table, and every index carries it for nothing.
    """CREATE TABLE records (
        seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL
    )""",
    "CREATE INDEX records_kind ON records (kind)",
    "CREATE INDEX records_subject ON records (subject)",
    """CREATE TABLE orders (
        order_id TEXT PRIMARY KEY, symbol TEXT NOT NULL, state TEXT NOT NULL, open INTEGER NOT NULL,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, body TEXT NOT NULL
    )""",
    "CREATE INDEX orders_open ON orders (open) WHERE open = 1",
    """CREATE TABLE fills (
        venue TEXT NOT NULL, account TEXT NOT NULL, execution_id TEXT NOT NULL, order_id TEXT NOT NULL,
        symbol TEXT NOT NULL, time INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (venue, account, execution_id)
    )""",
    "CREATE INDEX fills_order ON fills (order_id)",
    "CREATE INDEX fills_time ON fills (time)",
    """CREATE TABLE forecasts (
        forecast_id TEXT PRIMARY KEY, model TEXT NOT NULL, symbol TEXT NOT NULL, horizon INTEGER NOT NULL,
        due INTEGER NOT NULL, state TEXT NOT NULL, issued_at INTEGER NOT NULL, body TEXT NOT NULL, resolution TEXT
    )""",
    "CREATE INDEX forecasts_due ON forecasts (due) WHERE state = 'open'",
    "CREATE INDEX forecasts_model ON forecasts (symbol, model)",
    """CREATE TABLE state (
        bucket TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (bucket, key)
    ) WITHOUT ROWID""",
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)


def prepare(connection: sqlite3.Connection, path: Path, mode: str) -> None:
    """Create the tables in an empty database, or check that the ones there are ours; then note the `mode`.

    Raises JournalError when the database belongs to another version, program or mode.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_empty(connection):
            _create(connection)
        check(connection, path, mode)
        if mode:
            connection.execute("INSERT INTO meta VALUES ('mode', ?) ON CONFLICT DO NOTHING", (mode,))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def check(connection: sqlite3.Connection, path: Path, mode: str) -> None:
    """Raise JournalError unless this is a journal that this version reads, of `mode` (empty: any)."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise JournalError(f"{path} is not a journal of ml4t-live; name another file, or move this one away")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise JournalError(
            f"{path} has journal version {version}, and this ml4t-live reads up to {VERSION}; "
            "run `pip install --upgrade ml4t-live`, or start with another state directory"
        )
    row = connection.execute("SELECT value FROM meta WHERE key = 'mode'").fetchone()
    if mode and row and row[0] != mode:
        raise JournalError(
            f"{path} is the journal of a {row[0]} run and is never read by a {mode} run; use the state directory of {mode}"
        )


def _is_empty(connection: sqlite3.Connection) -> bool:
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return bool(objects == 0 and version == 0)


def _create(connection: sqlite3.Connection) -> None:
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")
