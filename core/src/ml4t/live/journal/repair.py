"""The remedy for a damaged journal: everything that can still be read, in a file that verifies.

The order of the steps makes a repair that is killed harmless: the new journal is complete, checked and on disk, and the
damaged one has its second name, before the old name is given to the new one. Run again, it begins again or goes on.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from attrs import frozen

from ml4t.live.clock import Clock
from ml4t.live.errors import JournalError
from ml4t.live.journal import holes, rescue
from ml4t.live.journal.connections import DAMAGED, connect_writing, interrupted_repair
from ml4t.live.journal.durability import Durability
from ml4t.live.journal.encoding import encode
from ml4t.live.journal.folders import sync_folder
from ml4t.live.journal.kinds import RecordKind
from ml4t.live.journal.pages import Pages
from ml4t.live.journal.projections import project
from ml4t.live.journal.salvage import Salvage
from ml4t.live.journal.schema import APPLICATION_ID, VERSION
from ml4t.live.journal.state_dir import StateDir
from ml4t.live.journal.verify import verify

_LOG, _SHARED = "-wal", "-shm"


@frozen
class Repair:
    """What a repair did."""

    journal: Path
    original: Path | None
    """Where the damaged file is now; None when there was nothing to repair."""
    records: int = 0
    lost: tuple[holes.Range, ...] = ()
    """The numbers of the records that are gone."""
    recovered: int = 0
    """Records written again at the end from what the tables still knew of them."""
    kill_switch: str = ""
    """Why the kill switch was thrown; empty when it is as it was."""
    notes: tuple[str, ...] = ()


def repair(folder: StateDir, clock: Clock) -> Repair:
    """Replace a damaged journal by one with everything that can be read; the damaged one stays beside it.

    Nothing is renumbered. Raises StateLocked while a run has the folder, JournalError when it cannot be done, and then
    the damaged journal is as it was.
    """
    with folder.lock():
        ready = interrupted_repair(folder.journal)
        if ready.exists():
            _swap(folder.journal, ready)
            return Repair(folder.journal, _newest_damaged(folder.journal), notes=("an interrupted repair was completed",))
        if not verify(folder.journal):
            return Repair(folder.journal, None)
        try:
            return _Builder(folder, clock).run()
        except (OSError, *DAMAGED, msgspec.MsgspecError) as error:
            raise JournalError(
                f"{folder.journal} cannot be repaired: {error}; it is as it was; check the folder, its rights and free space"
            ) from error


class _Builder:
    """Makes the new journal."""

    def __init__(self, folder: StateDir, clock: Clock) -> None:
        self._path = folder.journal
        self._mode = folder.mode
        self._now = clock.now()
        self._new = folder.journal.with_name("journal.unfinished.sqlite3")
        self._original = _free_name(folder.journal, self._now)
        self._seq = 0
        self._notes: list[str] = []

    def run(self) -> Repair:
        """Build, check and put it in place."""
        _refuse_foreign(self._path)
        _remove(self._new)
        with Pages(self._path) as pages:
            salvage = Salvage(pages)
            connection = connect_writing(self._new, Durability.FSYNC, "")
            try:
                connection.execute("BEGIN IMMEDIATE")
                report = self._fill(connection, salvage)
                connection.execute("COMMIT")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                connection.close()
        problems = verify(self._new)
        if problems:
            raise JournalError(f"what was read of {self._path} contradicts itself, and it is as it was: {'; '.join(problems)}")
        for end in ("", _LOG):
            _keep(Path(f"{self._path}{end}"), Path(f"{self._original}{end}"))
        sync_folder(self._path.parent)
        ready = interrupted_repair(self._path)
        self._new.replace(ready)  # from here on a repair that is run again only goes on
        sync_folder(self._path.parent)
        _swap(self._path, ready)
        return report

    def _fill(self, connection: sqlite3.Connection, salvage: Salvage) -> Repair:
        salvage.scan(lambda row: connection.execute("INSERT OR IGNORE INTO records VALUES (?, ?, ?, ?, ?)", row))
        noted = _noted(salvage.meta)
        for first, last in noted.get(holes.MOVED, ()):  # what a page that was given up still holds of them
            connection.execute("DELETE FROM records WHERE seq BETWEEN ? AND ?", (first, last))
        self._seq = salvage.last_seq
        self._project(connection)
        recovered = self._recover(connection, salvage, moved=bool(noted.get(holes.MOVED)))
        (records,) = connection.execute("SELECT count(*) FROM records").fetchone()
        missing = holes.without(
            [*holes.gaps(connection), *self._tail(connection)], [r for ranges in noted.values() for r in ranges]
        )
        thrown = self._restore_state(connection, salvage, complete=not missing)
        lost = tuple(missing)
        body = {"lost": lost, "recovered": recovered, "original": self._original.name, "notes": self._notes}
        self._append(connection, RecordKind.REPAIR, "journal", encode({**body, "kill_switch": thrown}))
        holes.note(connection, {**noted, holes.LOST: sorted([*noted.get(holes.LOST, ()), *lost])})
        mode = salvage.meta.get("mode") or self._mode
        connection.execute("INSERT INTO meta VALUES ('mode', ?) ON CONFLICT DO NOTHING", (mode,))
        return Repair(self._path, self._original, records, lost, recovered, thrown, tuple(self._notes))

    def _project(self, connection: sqlite3.Connection) -> None:
        """Make the tables from the records; a record whose body is not what it should be counts as lost."""
        kinds = (RecordKind.INTENT, RecordKind.ORDER, RecordKind.FILL, RecordKind.FORECAST, RecordKind.RESOLUTION)
        query = "SELECT seq, kind, body FROM records WHERE kind IN (?, ?, ?, ?, ?) ORDER BY seq"
        for seq, kind, body in connection.cursor().execute(query, kinds).fetchall():
            try:
                project(connection, kind, body)
            except (msgspec.MsgspecError, ValueError):
                connection.execute("DELETE FROM records WHERE seq = ?", (seq,))

    def _recover(self, connection: sqlite3.Connection, salvage: Salvage, *, moved: bool) -> int:
        """Write records again, under new numbers, of which only the row in a table is left."""
        before = self._seq
        for order in salvage.orders.values():
            known = connection.execute("SELECT updated_at FROM orders WHERE order_id = ?", order[:1]).fetchone()
            if known is None or known[0] < order[5]:
                self._again(connection, RecordKind.ORDER, order[0], order[-1])
        for fill in salvage.fills.values():
            key = "SELECT 1 FROM fills WHERE venue = ? AND account = ? AND execution_id = ?"
            if connection.execute(key, fill[:3]).fetchone() is None:
                if moved:  # its record is in an archive
                    with contextlib.suppress(msgspec.MsgspecError):
                        project(connection, RecordKind.FILL, fill[-1])
                else:
                    self._again(connection, RecordKind.FILL, fill[2], fill[-1])
        for forecast in salvage.forecasts.values():
            known = connection.execute("SELECT resolution FROM forecasts WHERE forecast_id = ?", forecast[:1]).fetchone()
            if known is None:
                self._again(connection, RecordKind.FORECAST, forecast[0], forecast[7])
            if forecast[-1] is not None and (known is None or known[0] is None):
                self._again(connection, RecordKind.RESOLUTION, forecast[0], forecast[-1])
        return self._seq - before

    def _again(self, connection: sqlite3.Connection, kind: RecordKind, subject: str, body: str) -> None:
        with contextlib.suppress(msgspec.MsgspecError, ValueError):
            project(connection, kind, body)
            self._append(connection, kind, subject, body)

    def _append(self, connection: sqlite3.Connection, kind: RecordKind, subject: str, body: str) -> None:
        self._seq += 1
        connection.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?)", (self._seq, self._now, kind.value, subject, body))

    def _tail(self, connection: sqlite3.Connection) -> list[holes.Range]:
        """Return the numbers behind the last record that an index still knows of."""
        (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM records").fetchone()
        return [(last + 1, self._seq)] if last < self._seq else []

    def _restore_state(self, connection: sqlite3.Connection, salvage: Salvage, *, complete: bool) -> str:
        state = dict(salvage.state)
        reason = rescue.must_throw(state, whole=salvage.state_whole, records=connection)
        if not salvage.state_whole:
            self._notes += rescue.rebuild_books(state, connection, complete=complete)
        if reason:
            body = rescue.throw_switch(state, reason, self._now)
            self._append(connection, RecordKind.KILL_SWITCH, "all", body)
        connection.executemany("INSERT INTO state VALUES (?, ?, ?)", [(*key, text) for key, text in sorted(state.items())])
        return reason


def _noted(meta: dict[str, str]) -> dict[str, list[holes.Range]]:
    try:
        return holes.parse(meta.get("holes", "{}"))
    except msgspec.MsgspecError:
        return {}


def _refuse_foreign(path: Path) -> None:
    with path.open("rb") as file:
        header = file.read(100)
    if not header.startswith(b"SQLite format 3\0"):
        return  # garbled, or no database at all: it is kept in any case
    if int.from_bytes(header[68:72], "big") == APPLICATION_ID and int.from_bytes(header[60:64], "big") > VERSION:
        raise JournalError(f"{path} was written by a newer ml4t-live; run `pip install --upgrade ml4t-live`, then repair it")


def _swap(path: Path, ready: Path) -> None:
    """Give the journal's name to the new one; the log of the old one must not be there when it has it."""
    for end in (_LOG, _SHARED):
        Path(f"{path}{end}").unlink(missing_ok=True)
    sync_folder(path.parent)
    ready.replace(path)
    sync_folder(path.parent)


def _keep(path: Path, name: Path) -> None:
    """Give a file a second name."""
    if not path.exists():
        return
    try:
        os.link(path, name)
    except OSError:  # a file system without links
        shutil.copy2(path, name)


def _remove(path: Path) -> None:
    for end in ("", _LOG, _SHARED):
        Path(f"{path}{end}").unlink(missing_ok=True)


def _free_name(path: Path, now: int) -> Path:
    stamp = datetime.fromtimestamp(now / 1e9, UTC).strftime("%Y-%m-%dT%H%M%SZ")
    names = (path.with_name(f"journal-damaged-{stamp}{'' if n == 1 else f'-{n}'}.sqlite3") for n in range(1, 1_000_000))
    return next(name for name in names if not name.exists() and not Path(f"{name}{_LOG}").exists())


def _newest_damaged(path: Path) -> Path | None:
    return max(path.parent.glob("journal-damaged-*.sqlite3"), default=None)
