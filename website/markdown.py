"""Words and tables in Markdown."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, empty when it would have no row."""
    lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join(["| " + " | ".join(columns) + " |", "| " + " | ".join("---" for _ in columns) + " |", *lines]) + "\n"


def code(text: object) -> str:
    """Return a text as code, empty for an empty one."""
    return f"`{text}`" if str(text) else ""


def plain(text: str) -> str:
    """Return words that are written as they are: what looks like a tag outside of code is none."""
    parts = text.split("`")
    return "`".join(part if place % 2 else html.escape(part, quote=False) for place, part in enumerate(parts))


def sections(*parts: str) -> str:
    """Return parts of a page with a blank line in between, empty ones left out."""
    return "\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
