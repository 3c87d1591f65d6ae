"""The points at which the process under test can be killed, and the wrapping of the journal that marks its own."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs

from ml4t.live.journal import connections


@attrs.frozen
class Point:
    """The `number`-th time (from 1) that the process comes by `kind`."""

    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}"

    @classmethod
    def parse(cls, text: str) -> Point:
        """Return the point that `str` wrote."""
        kind, _, number = text.rpartition(":")
        return cls(kind, int(number))


class Course:
    """Counts the points that a process passes, and kills it at the one it was given."""

    def __init__(self, kill_at: Point | None = None) -> None:
        self.passed: Counter[str] = Counter()
        self._kill_at = kill_at

    def reach(self, kind: str) -> None:
        """Come by a point; when it is the one, this process ends here, as if the power had gone."""
        self.passed[kind] += 1
        if self._kill_at is not None and self._kill_at == Point(kind, self.passed[kind]):
            os.kill(os.getpid(), signal.SIGKILL)


class DiskFull:
    """Makes SQLite find the disk full from one commit on, for as many attempts as given; its error is SQLite's own."""

    def __init__(self, from_commit: int, attempts: int) -> None:
        self._from = from_commit
        self._left = attempts
        self._commits = 0

    def before_begin(self, connection: sqlite3.Connection) -> None:
        """Leave no free page, or give them all back."""
        self._commits += 1
        if self._commits < self._from:
            return
        full = self._left > 0
        self._left -= full
        connection.execute(f"PRAGMA max_page_count = {1 if full else 1 << 30}").fetchall()


def watch_journal(course: Course, disk: DiskFull | None = None) -> None:
    """Mark every step of every commit of the journal; for a process of its own, since it changes how it connects."""

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *rest: Any) -> sqlite3.Cursor:
            if sql == "BEGIN IMMEDIATE":
                if disk is not None:
                    disk.before_begin(self)
                course.reach("journal.begin")
            if sql != "COMMIT":
                return super().execute(sql, *rest)
            course.reach("journal.commit.before")
            cursor = super().execute(sql, *rest)
            course.reach("journal.commit.after")
            return cursor

        def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
            cursor = super().executemany(sql, rows)
            course.reach("journal.write")
            return cursor

    plain: Callable[..., sqlite3.Connection] = sqlite3.connect

    class Sqlite:
        """The module as the journal sees it, with our connections."""

        def __getattr__(self, name: str) -> Any:
            return getattr(sqlite3, name)

        def connect(self, *arguments: Any, **options: Any) -> sqlite3.Connection:
            return plain(*arguments, factory=Watched, **options)

    connections.sqlite3 = Sqlite()  # type: ignore[assignment]
