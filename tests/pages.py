"""What the pages of the documentation consist of."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# ([\w./-]+\.(?:py|toml|yaml|csv|jsonl|md|typed))\n")


@frozen
class Block:
    """One fenced block of a page."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        match = NAMED.match(self.text)
        return match.group(1) if match else None


def blocks(page: Path) -> list[Block]:
    return [Block(language, text) for language, text in FENCE.findall(page.read_text(encoding="utf-8"))]
