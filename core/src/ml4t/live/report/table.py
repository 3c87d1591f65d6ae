"""A table, told once: reports draw the same one on a terminal and on a page."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
from attrs import frozen


@frozen
class Table:
    """Rows of text under named columns.

    `numbers` are the columns that are aligned to the right. With `has_total` the last row adds up the others. Without rows,
    `empty` is what there is to say; without that too, the table is left out.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[str] = frozenset()
    has_total: bool = False
    empty: str = ""

    @property
    def is_worth_showing(self) -> bool:
        """False when there is neither a row nor anything to say instead."""
        return bool(self.rows or self.empty)

    def at_most(self, count: int) -> Table:
        """Return the table with its first `count` rows, and a title that says so when there are more."""
        total = self.rows[-1:] if self.has_total else ()
        rows = self.rows[: len(self.rows) - len(total)]
        if len(rows) <= count:
            return self
        title = f"{self.title} (the first {count:,} of {len(rows):,})"
        return attrs.evolve(self, title=title, rows=(*rows[:count], *total))


def table(
    title: str,
    columns: Iterable[str],
    rows: Iterable[Iterable[str]],
    *,
    numbers: str = "",
    has_total: bool = False,
    empty: str = "",
) -> Table:
    """Return a table; `numbers` names columns, separated by spaces and with `_` for a space in a name."""
    wanted = frozenset(name.replace("_", " ") for name in numbers.split())
    return Table(title, tuple(columns), tuple(tuple(row) for row in rows), wanted, has_total, empty)
