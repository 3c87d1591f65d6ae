"""Every example in the documentation, typed as a reader would.

A page is run from top to bottom in an empty folder. A block whose first line is a comment with a file's name is saved under
that name; a Python block without one is run; in a console block, `$ ml4t-live ...`, `$ pytest ...` and `$ python FILE` are run,
and must succeed unless the page says `# exit N` behind the command; `$ pip install -e .` installs what the page has written,
where only this page finds it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tests.pages import FENCE, ROOT, Block, blocks

from ml4t.live.contracts import CONTRACT

NEWER = {ROOT / "docs" / "backtest-to-live.md", ROOT / "plugins" / "backtest" / "README.md"}
"""What needs ml4t-backtest, and with it Python 3.12."""
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("plugins/*/README.md")))
    if sys.version_info >= (3, 12) or page not in NEWER
]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)")
INSTALL = "pip install -e ."
COMMAND = re.compile(rf"\$ (ml4t-live .*?|pytest .*?|python \w+\.py|{re.escape(INSTALL)})(?:\s+# exit (\d))?")
PRICES = "timestamp,symbol,open,high,low,close,volume\n" + "".join(
    f"2026-01-05T{10 + minute // 60:02}:{minute % 60:02}:00Z,BTC-USDT,{90_000 + minute},{90_050 + minute},"
    f"{89_950 + minute},{90_000 + minute + (minute * 37 % 91) - 45},1.5\n"
    for minute in range(180)
)
"""What the examples call prices.csv: three hours of minute bars."""


def commands(block: Block) -> list[tuple[list[str], int]]:
    found = filter(None, map(COMMAND.fullmatch, block.text.splitlines()))
    return [(shlex.split(match.group(1)), int(match.group(2) or 0)) for match in found]


def run(arguments: list[str], folder: Path, expected: int) -> None:
    sources = [folder, folder / "src", folder / "package" / "site", *folder.glob("*/src")]  # as if they had been installed
    path = os.pathsep.join(filter(None, (*map(str, sources), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "COLUMNS": "140", "HOME": str(folder), "PYTHONPATH": path}
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == expected, f"{shlex.join(arguments)}\n{done.stdout}\n{done.stderr}"


def program(name: str) -> list[str]:
    """Return the command that starts a program of this environment."""
    special = {"pytest": [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"], "python": [sys.executable]}
    return special.get(name, [str(Path(sys.executable).with_name(name))])


def is_runnable(command: list[str]) -> bool:
    """Placeholders in capitals are for the reader to fill in."""
    return not any(re.fullmatch(r"[A-Z][A-Z_]+", word) for word in command)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page(page: Path, tmp_path: Path, installed: Callable[[Path, Path], Path]) -> None:
    (tmp_path / "prices.csv").write_text(PRICES)
    for block in blocks(page):
        if block.file is not None:
            target = tmp_path / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text)
        elif block.language == "python":
            (tmp_path / "block.py").write_text(block.text)
            run([sys.executable, "block.py"], tmp_path, 0)
        elif block.language == "console":
            for command, expected in commands(block):
                if shlex.join(command) == INSTALL:
                    (workplace := tmp_path / "package").mkdir()
                    installed(tmp_path, workplace)
                elif is_runnable(command):
                    run([*program(command[0]), *command[1:]], tmp_path, expected)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(without_code(page)):
        there = page.parent / target if target else page
        assert there.exists(), target
        assert not anchor or anchor in anchors(there), f"{target}#{anchor}"


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return what the headings of a page are called in links, on a code host and on the site."""
    headings = re.findall(r"^#+ (.*)$", without_code(page), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings)


def without_code(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


CODE = [path for folder in ("core", "plugins", "contrib") for path in (ROOT / folder).glob("**/src/**/*.py")]


def test_pages_that_the_code_names_are_there() -> None:
    named = {name for path in CODE for name in re.findall(r"\bdocs/[\w/.-]+\.md", path.read_text(encoding="utf-8"))}

    assert "docs/conformance.md" in named
    assert not {name for name in named if not (ROOT / name).exists()}


def test_plugins_on_the_pages_are_written_against_the_contract_of_this_core() -> None:
    said = re.compile(r"^ml4t_live_contract = (\d+)$", re.MULTILINE)
    written = [number for page in PAGES for number in said.findall(page.read_text(encoding="utf-8"))]

    assert len(written) > 5
    assert set(written) == {str(CONTRACT)}
