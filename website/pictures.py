"""Pictures of the terminal: the real output of real commands, in the folder that the first tutorial writes.

They stand in docs/pictures/ for who reads the pages on a code host. `python -m website` draws them again; a test compares what
they show with what the commands say now.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "pictures"
TUTORIAL = DOCS / "tutorial" / "first-pipeline.md"
BLOCK = re.compile(r"^```\w+\n# ([\w.]+)\n.*?^```$", re.MULTILINE | re.DOTALL)
WIDTH = 120

COMMANDS = {
    "run": "ml4t-live run pipeline.toml --state-dir state",
    "why": "ml4t-live why MSFT --state-dir state --limit 2",
    "status": "ml4t-live status --state-dir state",
    "mistakes": "ml4t-live config check pipeline.toml --set risk.max_order_valu=3000 --set live.mode=papre",
}
"""What each picture shows, in the order in which it is typed."""

VARIES = re.compile(r"m[0-9a-f]{23}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.\dZ]*|[\d,]+ journal records|\s+")
"""Ids, times and counts that are others each time, and space."""

FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def outputs() -> Iterator[tuple[str, Text]]:
    """Run the commands in a new folder, and yield the name of each picture and what is to be seen."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for match in BLOCK.finditer(TUTORIAL.read_text(encoding="utf-8")):
            text = match.group(0).partition("\n")[2].removesuffix("```")
            (folder / match.group(1)).write_text(text, encoding="utf-8")
        subprocess.run([sys.executable, "make_prices.py"], cwd=folder, check=True)
        for picture, command in COMMANDS.items():
            yield picture, Text.from_ansi(_say(command, folder))


def draw() -> None:
    """Draw all pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in outputs():
        console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
        console.print(text)
        svg = console.export_svg(title=COMMANDS[name], code_format=_format(), unique_id=name)
        (FOLDER / f"{name}.svg").write_text(svg, encoding="utf-8")


def shown(picture: str) -> str:
    """Return what is to be read on a picture, without what varies."""
    lines: dict[float, dict[float, str]] = defaultdict(dict)
    for each in ET.parse(FOLDER / f"{picture}.svg").iter("{http://www.w3.org/2000/svg}text"):  # noqa: S314 - ours
        if each.get("clip-path"):
            lines[float(each.attrib["y"])][float(each.attrib["x"])] = each.text or ""
    return lasting("\n".join("".join(part for _, part in sorted(line.items())) for _, line in sorted(lines.items())))


def lasting(text: str) -> str:
    """Return a text without what varies."""
    return VARIES.sub("", text.replace("\xa0", " "))


def _say(command: str, folder: Path) -> str:
    program, *arguments = shlex.split(command)
    environment = {**os.environ, "COLUMNS": str(WIDTH), "FORCE_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(  # noqa: S603 - the commands are those above
        [Path(sys.executable).with_name(program), *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout or done.stderr


def _format() -> str:
    """Return rich's frame without the fonts that it would fetch."""
    without = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return without.replace("Fira Code, monospace", FONT)
