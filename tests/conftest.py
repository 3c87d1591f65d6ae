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

HOSTILE = Path(__file__).parents[1] / "contrib" / "hostile"

# One process builds them all: a process and an environment for each, as pip does it, takes most of a minute.
BUILD_ALL = """
import os, sys
from hatchling.build import build_wheel
for folder in sys.argv[2:]:
    os.chdir(folder)
    build_wheel(sys.argv[1])
"""


@pytest.fixture(scope="session")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed every distribution of contrib/hostile."""
    wheels, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    folders = sorted(str(each.parent) for each in HOSTILE.glob("*/pyproject.toml"))
    subprocess.run([sys.executable, "-c", BUILD_ALL, str(wheels), *folders], check=True, capture_output=True)
    options = ["--no-deps", "--no-index", "--no-compile", "--quiet", "--disable-pip-version-check", "--target", str(site)]
    built = sorted(str(each) for each in wheels.glob("*.whl"))
    assert len(built) == len(folders)
    subprocess.run([sys.executable, "-m", "pip", "install", *options, *built], check=True, capture_output=True)
    return site


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
