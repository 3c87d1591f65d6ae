"""What is in the wheels, and what importing them costs."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def metadata_of(wheel: Path) -> Any:
    with zipfile.ZipFile(wheel) as archive:
        name = next(each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def test_no_wheel_takes_the_shared_namespace(wheels: list[Path]) -> None:
    """`ml4t` belongs to several distributions: a file `ml4t/__init__.py` in one of them hides the others."""
    assert wheels
    for wheel in wheels:
        assert "ml4t/__init__.py" not in names_in(wheel), wheel.name


def test_only_core_has_files_below_ml4t(wheels: list[Path]) -> None:
    owners = {wheel.name.split("-")[0] for wheel in wheels if any(name.startswith("ml4t/") for name in names_in(wheel))}

    assert owners == {"ml4t_live"}


def test_every_wheel_is_typed_licensed_and_described(wheels: list[Path]) -> None:
    for wheel in wheels:
        names = names_in(wheel)
        metadata = metadata_of(wheel)

        assert any(name.endswith("/py.typed") for name in names), wheel.name
        assert any("/licenses/" in name for name in names), wheel.name
        assert metadata["Summary"], wheel.name
        assert metadata["Requires-Python"], wheel.name
        assert len(metadata.get_payload()) > 100, f"{wheel.name} has no README"


def test_entry_points_lead_to_modules_in_their_own_wheel(wheels: list[Path]) -> None:
    for wheel in wheels:
        names = names_in(wheel)
        with zipfile.ZipFile(wheel) as archive:
            entries = archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
        targets = re.findall(r"^[\w-]+ = ([\w.]+)$", entries.split("[ml4t.live]")[1].split("[")[0], re.MULTILINE)

        assert targets, wheel.name
        for target in targets:
            assert target.replace(".", "/") + ".py" in names, f"{wheel.name}: {target}"


def test_requirements_are_ranges_and_plugins_ask_for_this_core(distributions: list[Path]) -> None:
    for folder in distributions:
        project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
        extras = project.get("optional-dependencies", {}).values()
        requirements = [*project["dependencies"], *itertools.chain.from_iterable(extras)]

        assert not [each for each in requirements if "==" in each], folder.name
        if folder.name != "core":
            assert "ml4t-live>=1.0.0.dev0,<2" in requirements, folder.name


def test_the_demo_data_come_with_their_notice(wheels: list[Path]) -> None:
    core = next(wheel for wheel in wheels if wheel.name.startswith("ml4t_live-"))
    names = names_in(core)

    assert "ml4t/live/demo/stocks.csv.gz" in names
    with zipfile.ZipFile(core) as archive:
        assert "Bokeh Contributors" in archive.read("ml4t/live/demo/LICENSE-stocks.txt").decode()


def test_every_distribution_is_in_the_development_install(distributions: list[Path]) -> None:
    texts = [path.read_text() for path in sorted(ROOT.glob("requirements-dev*.txt"))]
    listed = [folder for text in texts for folder in re.findall(r"^-e \./([\w/-]+)", text, re.MULTILINE)]

    assert sorted(listed) == sorted(str(folder.relative_to(ROOT)) for folder in distributions)


def test_every_plugin_has_its_tox_environment(distributions: list[Path]) -> None:
    tox = (ROOT / "tox.ini").read_text()

    for folder in distributions:
        assert re.search(rf"[{{,\[:]{folder.name}[}},\]]", tox) or folder.name == "core", f"tox.ini has no {folder.name}"


def test_importing_the_core_is_light() -> None:
    """The figure that counts is in `make bench`; what makes it is the modules."""
    heavy = "asyncio attrs cattrs msgspec pluggy rich structlog typer sqlite3 numpy pandas polars"
    code = f"import sys, ml4t.live; print([name for name in '{heavy}'.split() if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reason: only Linux tells a process its own peak since exec")
def test_resident_memory_of_the_import() -> None:
    """Not `ru_maxrss`: a child inherits its parent's there."""
    code = "import re, ml4t.live; print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read()).group(1))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert int(done.stdout) / 1024 < 60


def test_listing_every_plugin_imports_no_vendor(distributions: list[Path]) -> None:
    code = """
import sys
from ml4t.live.plugins import Catalogue, Loaded
outcomes = Catalogue.discover().load_all()
assert len(outcomes) >= 8, outcomes
assert all(isinstance(each, Loaded) for each in outcomes), outcomes
heavy = {"ib_async", "alpaca", "databento", "ccxt", "aiohttp", "websockets", "httpx", "pandas", "polars", "numpy", "pyarrow"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_no_file_names_a_package_registry() -> None:
    """A lock file or URL that records where packages came from is of no use to anybody else."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    hosts = re.compile("files[.]pythonhosted|pypi[.]org|registry[.]npmjs")

    for name in listed:
        path = ROOT / name
        if path.suffix in {".gz", ".parquet", ".png"} or not path.is_file():
            continue
        assert not hosts.search(path.read_text(encoding="utf-8", errors="replace")), name
