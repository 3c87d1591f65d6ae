"""The table of plugins in the README, which stands there for who reads it on a code host."""

from __future__ import annotations

from pathlib import Path

from website.reference.plugins import overview

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- plugins: written by `python -m website` from their records -->\n"
END = "<!-- /plugins -->\n"


def table() -> str:
    """Return the table as it has to be here."""
    return overview("docs/")


def written() -> str:
    """Return the table that is there."""
    return _parts()[1]


def write() -> None:
    """Write the table."""
    before, _, after = _parts()
    README.write_text(f"{before}{BEGIN}{table()}{END}{after}", encoding="utf-8")


def _parts() -> tuple[str, str, str]:
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    there, _, after = rest.partition(END)
    return before, there, after
