"""Sequence numbers that are known not to be in a journal, and why: lost with a damaged page, or moved to an archive."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import msgspec

Range = tuple[int, int]
"""From and to, both included."""

LOST, MOVED = "lost", "moved"
_KEY = "holes"


def gaps(connection: sqlite3.Connection) -> list[Range]:
    """Return which numbers are missing between 1 and the last record."""
    query = """SELECT before + 1, seq - 1 FROM (SELECT seq, lag(seq, 1, 0) OVER (ORDER BY seq) AS before FROM records)
        WHERE seq > before + 1"""
    return connection.execute(query).fetchall()


def known(connection: sqlite3.Connection) -> dict[str, list[Range]]:
    """Return the holes that the journal knows of, by reason."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchone()
    return parse(row[0]) if row else {}


def parse(text: str) -> dict[str, list[Range]]:
    """Return the holes in the text that `note` writes."""
    return msgspec.json.decode(text, type=dict[str, list[Range]])


def note(connection: sqlite3.Connection, holes: dict[str, list[Range]]) -> None:
    """Replace the holes that the journal knows of."""
    text = msgspec.json.encode({reason: ranges for reason, ranges in sorted(holes.items()) if ranges}).decode()
    connection.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (_KEY, text))


def without(ranges: Iterable[Range], explained: Iterable[Range]) -> list[Range]:
    """Return the parts of `ranges` that none of `explained` covers."""
    left = sorted(ranges)
    for first, last in explained:
        left = [
            part
            for low, high in left
            for part in ((low, min(high, first - 1)), (max(low, last + 1), high))
            if part[0] <= part[1]
        ]
    return left


def count(ranges: Iterable[Range]) -> int:
    """Return how many numbers are in them."""
    return sum(last - first + 1 for first, last in ranges)


def words(ranges: Iterable[Range], most: int = 20) -> str:
    """Return the ranges as people write them: `3, 17-41`."""
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")
