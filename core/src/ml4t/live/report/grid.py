"""A table on a terminal."""

from __future__ import annotations

from rich import table as rich_table
from rich.text import Text

from ml4t.live.report.table import Table


def grid(table: Table) -> rich_table.Table | Text:
    """Return the table as all reports have it; one without rows is the line that says so."""
    if not table.rows and table.empty:
        return Text(table.empty, style="dim")
    drawn = rich_table.Table(
        title=table.title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for column in table.columns:
        drawn.add_column(column, justify="right" if column in table.numbers else "left", header_style="dim", overflow="fold")
    last = len(table.rows) - 1
    for number, row in enumerate(table.rows):
        drawn.add_row(*row, style="bold" if table.has_total and number == last else None)
    return drawn
