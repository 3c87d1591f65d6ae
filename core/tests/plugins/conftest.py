"""Installs small plugins by hand: a metadata folder and a module, on a path of their own."""

from __future__ import annotations

import importlib
import sys
from textwrap import dedent

import pytest

from ml4t.live.plugins import scan


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder on `sys.path`; what was imported from it is forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    # Only what came from the folder: forgetting anything else would make two copies of it.
    ours = [name for name in set(sys.modules) - before if any(place.startswith(str(tmp_path)) for place in _places(name))]
    for name in ours:
        del sys.modules[name]


def _places(name):
    spec = getattr(sys.modules[name], "__spec__", None)
    return [str(place) for place in (spec.origin, *(spec.submodule_search_locations or ()))] if spec else []


@pytest.fixture
def install(site):
    """Puts a distribution into the folder: its metadata, and modules from their source."""

    def put(name, entries, *, version="1.0", requires=("ml4t-live>=1.0.0.dev0,<2",), modules=None, folder=None):
        home = folder or site
        info = home / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {name}",
            f"Version: {version}",
            *(f"Requires-Dist: {each}" for each in requires),
        ]
        (info / "METADATA").write_text("\n".join(lines) + "\n")
        (info / "entry_points.txt").write_text("[ml4t.live]\n" + "".join(f"{line}\n" for line in entries))
        for module, source in (modules or {}).items():
            file = home / f"{module.replace('.', '/')}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(source))
        importlib.invalidate_caches()
        return info

    return put


@pytest.fixture
def plugin(install, site):
    """Installs one plugin from the source of its module; returns what the finder finds."""

    def make(source, *, name="acme", **options):
        install(f"acme-{name}", [f"{name} = acme_{name}"], modules={f"acme_{name}": source}, **options)
        return {each.name: each for each in scan([str(site)])}[name]

    return make


@pytest.fixture
def ticking():
    """A clock whose stopwatch advances by a given number of seconds at each look."""

    class Ticking:
        simulated = True

        def __init__(self, seconds):
            self.step = round(seconds * 1e9)
            self.elapsed = 0

        def stopwatch(self):
            self.elapsed += self.step
            return self.elapsed

    return Ticking
