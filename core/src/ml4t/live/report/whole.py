"""A journal together with the archives that its rotations have left beside it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ml4t.live.journal.connections import DAMAGED, unusable
from ml4t.live.journal.rotate import archives
from ml4t.live.report.reader import ReportReader

MOST = 9
"""Archives that are read, the newest ones: SQLite takes no more than ten databases at once."""

_MOVED = ("records", "orders", "forecasts")
"""The tables whose rows a rotation moves; fills stay, and the latest values are those of the journal."""


class WholeReader(ReportReader):
    """Reads the journal at `path` and its archives as one: nothing of a rotated session is missing from a report.

    `left_out` are the archives that are too many. Raises JournalError as ReportReader does.
    """

    def __init__(self, path: Path, *, mode: str = "") -> None:
        super().__init__(path, mode=mode)
        found = archives(self.path.parent) if self.path.name == "journal.sqlite3" else []
        self.archives, self.left_out = found[-MOST:], found[:-MOST]
        assert self._reading is not None
        try:
            self._schemas = (*_attach(self._reading, self.archives), "main")
        except BaseException:
            self.close()
            raise


def _attach(connection: sqlite3.Connection, paths: list[Path]) -> list[str]:
    """Attach the archives, and put views over all of them in front of the journal's tables; return their names."""
    names = []
    for number, path in enumerate(paths):
        try:
            connection.execute(f"ATTACH ? AS archive{number}", (f"{path.absolute().as_uri()}?immutable=1",))
        except DAMAGED as error:
            raise unusable(path, error) from error
        names.append(f"archive{number}")
    if names:
        for table in _MOVED:
            # In a view the number of a row is a column like any other, and has to be asked for.
            parts = " UNION ALL ".join(f"SELECT rowid, * FROM {name}.{table}" for name in (*names, "main"))  # noqa: S608 - our own words
            connection.execute(f"CREATE TEMP VIEW {table} AS {parts}")
    return names
