"""The packages that the guides write, under the tools and the settings that `ml4t-live new` comes with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.pages import ROOT, blocks

from ml4t_live_template.write import write

SOURCES = Path(sys.modules["ml4t.live"].__path__[0]).parents[1]
GUIDES = sorted((ROOT / "docs" / "guides").glob("write-*.md"))


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the package of each guide, under names that mypy takes."""
    folder = tmp_path_factory.mktemp("guides")
    settings = write("trigger", "any", tmp_path_factory.mktemp("template")).folder / "pyproject.toml"
    for page in GUIDES:
        package = folder / page.stem.replace("-", "")
        package.mkdir()
        (package / "pyproject.toml").write_text(settings.read_text())
        for block in blocks(page):
            if block.file is not None and block.file.startswith(("src/", "tests/")):
                (package / block.file).parent.mkdir(parents=True, exist_ok=True)
                (package / block.file).write_text(block.text)
    return folder


def tried(command: Sequence[str], folder: Path, **environment: str) -> str:
    """Run a module of Python there, and return what it finds wrong."""
    line = [sys.executable, "-m", *command]
    done = subprocess.run(line, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("command", ["check", "format --check"])
def test_they_are_clean(packages: Path, command: str) -> None:
    assert len(GUIDES) == 6
    assert tried(["ruff", *command.split(), "--no-cache", "."], packages) == ""


def test_they_are_typed(packages: Path, tmp_path: Path) -> None:
    bases = os.pathsep.join(map(str, (*packages.glob("*/src"), packages, SOURCES)))
    strict = ("mypy", "--strict", "--explicit-package-bases", "--cache-dir", str(tmp_path), ".")
    assert tried(strict, packages, MYPYPATH=bases) == ""
