"""The list of decision records."""

from __future__ import annotations

from pathlib import Path

from website.markdown import sections

FOLDER = Path(__file__).parents[1] / "docs" / "decisions"
PAGE = "decisions/index.md"


def records() -> list[Path]:
    """Return the records in the order in which they were made."""
    return sorted(FOLDER.glob("[0-9]*.md"))


def page() -> str:
    """Return the list."""
    lines = (f"- [{_title(path)}]({path.name})" for path in records())
    return sections(
        "# Decisions", "Why it is as it is: what was chosen, what else there was, and what follows.", "\n".join(lines)
    )


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
