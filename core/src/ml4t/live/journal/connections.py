"""Connections to the journal's file: one that writes, any number that read."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from ml4t.live.errors import JournalError
from ml4t.live.journal import schema
from ml4t.live.journal.durability import Durability
from ml4t.live.journal.folders import sync_folder

DAMAGED = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises of a damaged file: Python cannot read every message in which it quotes one."""

_BUSY_SECONDS = 5.0
_CHECKPOINT_PAGES = 4_000  # 16 MB of log between checkpoints: each costs a sync of the main file
_ROOM_BYTES = 18 * 2**20  # that much log, and what stays in SQLite's page cache (2 MB) and is never spilled


def connect_writing(path: Path, durability: Durability, mode: str) -> sqlite3.Connection:
    """Open or create the journal at `path` for writing.

    Raises JournalError when the file cannot be used.
    """
    if interrupted_repair(path).exists():
        raise JournalError(f"the repair of {path} was interrupted; complete it: {_command(path)}")
    try:
        _create_private(path)
        connection = _connect(str(path), uri=False)
    except (OSError, sqlite3.Error) as error:
        raise JournalError(
            f"the journal {path} cannot be opened: {error}; check the folder, its rights and free space"
        ) from error
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {durability.synchronous}")
        connection.execute("PRAGMA fullfsync = ON")  # macOS answers a plain fsync before the disk has it
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        schema.prepare(connection, path, mode)
    except DAMAGED as error:
        connection.close()
        raise unusable(path, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def make_room(connection: sqlite3.Connection) -> None:
    """Let the log have its full length from the start: a sync that also has to note a new length takes half as long again.

    A transaction that is too large for the page cache spills into the log; rolled back, it leaves the length and nothing
    else. A disk without room for it keeps a log that grows.
    """
    with contextlib.suppress(sqlite3.Error):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE room (filler)")
        connection.execute("INSERT INTO room VALUES (zeroblob(?))", (_ROOM_BYTES,))
    if connection.in_transaction:  # SQLite rolls back by itself when the disk is full
        connection.execute("ROLLBACK")


def connect_reading(path: Path, mode: str = "") -> sqlite3.Connection:
    """Open the journal at `path` read-only, while it is being written or after.

    Raises JournalError when there is none or it cannot be read.
    """
    if not path.is_file():
        raise JournalError(f"there is no journal at {path}; check the state directory, or start a run that writes one")
    try:
        return _connect_checked(path, "mode=ro", mode)
    except sqlite3.OperationalError as error:
        # A closed journal in a folder without write permission: SQLite cannot make its shared memory there, and needs
        # none when nobody writes.
        if Path(f"{path}-wal").exists():
            raise unusable(path, error) from error
    except DAMAGED as error:
        raise unusable(path, error) from error
    try:
        return _connect_checked(path, "mode=ro&immutable=1", mode)
    except DAMAGED as error:
        raise unusable(path, error) from error


def unusable(path: Path, error: Exception) -> JournalError:
    """Return the JournalError that says what SQLite said of `path`."""
    full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    mend = "free space there, and start again" if full else remedy(path)
    return JournalError(f"the journal {path} cannot be used: {error}; {mend}")


def remedy(path: Path) -> str:
    """Return what to type when the journal at `path` is damaged."""
    return f"if it is damaged, run: {_command(path)}"


def interrupted_repair(path: Path) -> Path:
    """Return where a repair puts the new journal when it is complete and only has to take the place of the old one."""
    return path.with_name("journal.repaired.sqlite3")


def _command(path: Path) -> str:
    return f"ml4t-live journal repair --state-dir {path.parent}"


def _connect_checked(path: Path, query: str, mode: str) -> sqlite3.Connection:
    connection = _connect(f"{path.absolute().as_uri()}?{query}", uri=True)
    try:
        schema.check(connection, path, mode)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(database: str, *, uri: bool) -> sqlite3.Connection:
    # Opened by one thread and used by another, never by two at once.
    return sqlite3.connect(database, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=uri)


def _create_private(path: Path) -> None:
    """Create the file readable by its owner only; SQLite gives the log and the shared memory the same rights."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except FileExistsError:
        return
    try:
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    sync_folder(path.parent)
