"""Moves old records into an archive beside the journal.

The archive is complete, checked and on disk under a working name before anything is deleted, and the deletion is one
transaction: whether it has happened says what the working file is. A kill at any point loses nothing and doubles nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from attrs import frozen

from ml4t.live.clock import Clock
from ml4t.live.errors import JournalError
from ml4t.live.journal import holes
from ml4t.live.journal.connections import connect_writing, remedy
from ml4t.live.journal.durability import Durability
from ml4t.live.journal.encoding import encode
from ml4t.live.journal.folders import sync_folder
from ml4t.live.journal.kinds import RecordKind
from ml4t.live.journal.projections import project
from ml4t.live.journal.state_dir import StateDir
from ml4t.live.journal.verify import contradictions, verify

KEEP = 100_000
"""Records that stay, unless told otherwise."""

_STAYING = (RecordKind.RUN, RecordKind.KILL_SWITCH, RecordKind.REPAIR, RecordKind.ROTATION)
# What may still change, and what is spoken of by a record that stays, stays with all its records.
_NEEDED = """CREATE TEMP TABLE needed AS
    SELECT order_id AS subject FROM orders WHERE open = 1
    UNION SELECT forecast_id FROM forecasts WHERE state = 'open'
    UNION SELECT subject FROM records WHERE seq > ? AND kind IN ('intent', 'order', 'forecast', 'resolution')
    UNION SELECT subject FROM records WHERE seq > ? AND kind IN ('forecast', 'resolution')"""
_COPY = """INSERT INTO archive.records SELECT * FROM main.records
    WHERE seq <= ? AND kind NOT IN (?, ?, ?, ?) AND subject NOT IN (SELECT subject FROM temp.needed) ORDER BY seq"""


@frozen
class Rotation:
    """What a rotation did."""

    archive: Path | None
    """Where the records are now; None when there were none to move."""
    moved: int = 0
    kept: int = 0


def archives(folder: Path) -> list[Path]:
    """Return the archives in the folder of a journal, oldest first."""
    found = folder.glob("journal-[0-9]*.sqlite3")
    return sorted(found, key=lambda path: (path.stem[: len("journal-2026-01-01")], len(path.stem), path.stem))


def rotate(folder: StateDir, clock: Clock, *, keep: int = KEEP) -> Rotation:
    """Move all but the newest `keep` records into an archive.

    What is open, the latest values, the runs, the kill switch and all fills' rows stay. Raises StateLocked while a run has
    the folder, JournalError when the journal is damaged or the disk refuses, and then nothing has been moved.
    """
    with folder.lock():
        return _rotate_held(folder, clock.now(), lambda _: keep)


def rotate_long(folder: StateDir, clock: Clock, *, max_bytes: int) -> Rotation | None:
    """Move the older half of the records into an archive when the journal is larger than `max_bytes`; else return None.

    For whoever holds the folder's lock and has not opened the journal yet. Raises JournalError as `rotate` does.
    """
    if not folder.journal.exists() or folder.journal.stat().st_size <= max_bytes:
        return None
    return _rotate_held(folder, clock.now(), lambda records: records // 2)


def _rotate_held(folder: StateDir, now: int, keep: Callable[[int], int]) -> Rotation:
    """Rotate under the lock of the caller; `keep` is asked how many of so many records stay."""
    problems = verify(folder.journal)
    if problems:
        raise JournalError(f"{folder.journal} cannot be rotated: {problems[0]}; {remedy(folder.journal)}")
    connection = connect_writing(folder.journal, Durability.FSYNC, folder.mode)
    working = folder.path / "journal.rotating.sqlite3"
    try:
        _settle(connection, working, now)
        (records,) = connection.execute("SELECT count(*) FROM records").fetchone()
        return _rotate(connection, folder, working, now, max(keep(records), 1))
    except (OSError, sqlite3.Error) as error:
        raise JournalError(f"{folder.journal} cannot be rotated: {error}; nothing was lost; free space or mend it") from error
    finally:
        connection.close()


def _rotate(connection: sqlite3.Connection, folder: StateDir, working: Path, now: int, keep: int) -> Rotation:
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM records").fetchone()
    connect_writing(working, Durability.FSYNC, folder.mode).close()
    with _attached(connection, working):
        moved = _copy(connection, last - keep)
    if moved:
        _complete(working)
        problems = verify(working)
        if problems:
            raise JournalError(f"{folder.journal} was not rotated: the copy contradicts itself: {'; '.join(problems)}")
        archive = _free_name(folder.path, now)
        with _attached(connection, working):
            _delete(connection, archive.name, last + 1, now, moved)
    _settle(connection, working, now)
    if not moved:
        return Rotation(None, 0, last)
    with contextlib.suppress(sqlite3.Error):  # a disk without room for it: the space is used again all the same
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    (kept,) = connection.execute("SELECT count(*) FROM records").fetchone()
    return Rotation(archive, moved, kept)


def _noted(connection: sqlite3.Connection) -> int:
    """Return up to which record the scores of forecasts are noted: they follow from the later ones, which stay."""
    row = connection.execute("SELECT body FROM main.state WHERE bucket = 'ledger' AND key = 'through'").fetchone()
    return int(row[0]) if row is not None else 0


def _copy(connection: sqlite3.Connection, cutoff: int) -> int:
    """Copy what is to be moved, in one transaction of the archive; return how many records."""
    connection.execute("DROP TABLE IF EXISTS temp.needed")
    connection.execute(_NEEDED, (cutoff, _noted(connection)))
    connection.execute("BEGIN")
    connection.execute(_COPY, (cutoff, *(kind.value for kind in _STAYING)))
    (moved,) = connection.execute("SELECT count(*) FROM archive.records").fetchone()
    connection.execute("COMMIT")
    return int(moved)


def _complete(working: Path) -> None:
    """Make the tables of an archive from its records, and note which numbers are elsewhere."""
    connection = connect_writing(working, Durability.FSYNC, "")
    try:
        connection.execute("BEGIN IMMEDIATE")
        for kind, body in connection.cursor().execute("SELECT kind, body FROM records ORDER BY seq"):
            project(connection, kind, body)
        holes.note(connection, {holes.MOVED: holes.gaps(connection)})
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()


def _delete(connection: sqlite3.Connection, archive: str, seq: int, now: int, moved: int) -> None:
    """Delete what was copied and note it, in one transaction; nothing when what is left contradicts itself."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("DELETE FROM main.records WHERE seq IN (SELECT seq FROM archive.records)")
        connection.execute("DELETE FROM main.orders WHERE order_id IN (SELECT order_id FROM archive.orders)")
        connection.execute("DELETE FROM main.forecasts WHERE forecast_id IN (SELECT forecast_id FROM archive.forecasts)")
        body = encode({"archive": archive, "records": moved})
        row = (seq, now, RecordKind.ROTATION.value, archive, body)
        connection.execute("INSERT INTO main.records VALUES (?, ?, ?, ?, ?)", row)
        noted = holes.known(connection)
        lost = noted.get(holes.LOST, [])
        holes.note(connection, {**noted, holes.MOVED: holes.without(holes.gaps(connection), lost)})
        problems = contradictions(connection)
        if problems:
            raise JournalError(f"the journal was not rotated, what is left would contradict itself: {'; '.join(problems)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _settle(connection: sqlite3.Connection, working: Path, now: int) -> None:
    """Name the working file when its records have been deleted from the journal, and remove it when they have not."""
    if not working.exists():
        return
    try:
        with _attached(connection, working):
            query = "SELECT count(*) FROM archive.records WHERE seq NOT IN (SELECT seq FROM main.records)"
            (only_there,) = connection.execute(query).fetchone()
    except sqlite3.Error:  # killed before the tables were there
        only_there = 0
    if only_there:
        row = connection.execute("SELECT subject FROM records WHERE kind = 'rotation' ORDER BY seq DESC LIMIT 1").fetchone()
        named = working.with_name(row[0]) if row else None
        working.replace(named if named is not None and not named.exists() else _free_name(working.parent, now))
    else:
        working.unlink()
    for end in ("-wal", "-shm"):
        Path(f"{working}{end}").unlink(missing_ok=True)
    sync_folder(working.parent)


@contextlib.contextmanager
def _attached(connection: sqlite3.Connection, working: Path) -> Iterator[None]:
    connection.execute("ATTACH ? AS archive", (str(working),))
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.execute("DETACH archive")


def _free_name(folder: Path, now: int) -> Path:
    day = datetime.fromtimestamp(now / 1e9, UTC).strftime("%Y-%m-%d")
    names = (folder / f"journal-{day}{'' if n == 1 else f'-{n}'}.sqlite3" for n in range(1, 1_000_000))
    return next(name for name in names if not name.exists())
