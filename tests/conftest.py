"""What tests across packages share: the hostile plugins, installed for real, and fresh interpreters to meet them in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # for tests.crash, whoever starts pytest
HOSTILE = ROOT / "contrib" / "hostile"

# One process builds them all: a process and an environment for each, as pip does it, takes most of a minute.
BUILD_ALL = """
import os, sys
from hatchling.build import build_wheel
for folder in sys.argv[2:]:
    os.chdir(folder)
    build_wheel(sys.argv[1])
"""


def build_wheels(folders: list[Path], wheels: Path) -> list[Path]:
    """Build a wheel of every distribution in `folders` and return them, sorted by name."""
    subprocess.run([sys.executable, "-c", BUILD_ALL, str(wheels), *map(str, folders)], check=True, capture_output=True)
    built = sorted(wheels.glob("*.whl"))
    assert len(built) == len(folders)
    return built


def install(wheels: list[Path], site: Path) -> Path:
    """Install wheels into the folder `site` with pip, as a user's environment would have them; return it."""
    options = ["--no-deps", "--no-index", "--no-compile", "--quiet", "--disable-pip-version-check", "--target", str(site)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, *map(str, wheels)], check=True, capture_output=True)
    return site


@pytest.fixture(scope="session")
def installed_together() -> Callable[[list[Path], Path], Path]:
    """Builds and installs the distributions in some folders: `site = installed_together(folders, tmp_path)`."""

    def build_and_install(folders: list[Path], workplace: Path) -> Path:
        wheels = workplace / "wheels"
        wheels.mkdir()
        return install(build_wheels(folders, wheels), workplace / "site")

    return build_and_install


@pytest.fixture(scope="session")
def installed(installed_together: Callable[[list[Path], Path], Path]) -> Callable[[Path, Path], Path]:
    """Builds and installs the distribution in a folder: `site = installed(folder, tmp_path)`."""
    return lambda folder, workplace: installed_together([folder], workplace)


@pytest.fixture(scope="session")
def distributions() -> list[Path]:
    """The folders of the distributions that this repository ships."""
    folders = [ROOT / "core", *sorted(ROOT.glob("plugins/*")), *sorted(ROOT.glob("contrib/*"))]
    return [folder for folder in folders if (folder / "pyproject.toml").exists()]


@pytest.fixture(scope="session")
def wheels(distributions: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A wheel of each of them."""
    return build_wheels(distributions, tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="session")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed every distribution of contrib/hostile."""
    folders = sorted(each.parent for each in HOSTILE.glob("*/pyproject.toml"))
    return install(build_wheels(folders, tmp_path_factory.mktemp("wheels")), tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="session")
def fresh(hostile_site: Path) -> Callable[[str], Any]:
    """Runs code in a new interpreter that has the hostile plugins installed; returns what the code put into `answer`."""

    def run(code: str) -> Any:
        script = f"import json, sys\n{code}\nprint('\\n' + json.dumps(answer))"
        path = os.pathsep.join(filter(None, [str(hostile_site), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run
