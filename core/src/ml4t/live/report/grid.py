"""A table as all reports have it."""

from __future__ import annotations

from rich.table import Table


def grid(title: str, *columns: str, numbers: str = "") -> Table:
    """Return an empty table; the columns named in `numbers` (separated by spaces or commas) are aligned to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    right = set(numbers.replace(",", " ").split())
    for column in columns:
        table.add_column(
            column,
            justify="right" if column.replace(" ", "_") in right else "left",
            header_style="dim",
            overflow="fold",
        )
    return table
