"""The checks of `doctor`."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from attrs import frozen
from packaging.utils import canonicalize_name

from ml4t.live.cli.locking import differences_from, lock_in_force
from ml4t.live.errors import PluginError
from ml4t.live.plugins import Broken, Catalogue, Loaded, broken_factories, resolve_factory, running_version
from ml4t.live.plugins.finder import CORE
from ml4t.live.plugins.lock import read_lock
from ml4t.live.plugins.metadata import Distribution, installed
from ml4t.live.plugins.reference import Contained, contained
from ml4t.live.records import DoctorRecord

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 24)
"""The journal's statements need upserts."""
LITTLE_SPACE = 1_000_000_000


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


@frozen
class Finding:
    """What one check found."""

    name: str
    level: Level
    text: str
    remedy: str = ""


def environment() -> Iterator[Finding]:
    """Check the interpreter, core, SQLite, and who else owns core's files."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield _at_least("python", sys.version_info[:2], OLDEST_PYTHON, version, "Install Python 3.11 or newer")
    yield Finding("core", Level.OK, f"{CORE} {running_version()} in {Path(__file__).parents[1]}")
    remedy = "Use a Python that was built with a newer SQLite"
    yield _at_least("sqlite", sqlite3.sqlite_version_info, OLDEST_SQLITE, sqlite3.sqlite_version, remedy)
    yield from _ownership(list(installed()))


def folder(path: Path) -> Iterator[Finding]:
    """Check that runs can write to a folder, or to the nearest one above it that is there, and how much space is free."""
    there = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=there):
            pass
    except OSError as error:
        yield Finding(
            "state directory", Level.BROKEN, f"{there} cannot be written: {error.strerror}", "Name another --state-dir"
        )
        return
    free = shutil.disk_usage(there).free
    text = f"{there} can be written, {free / 1e9:,.1f} GB free"
    if free < LITTLE_SPACE:
        yield Finding("state directory", Level.NOTE, text, "A full disk stops all orders: make room")
    else:
        yield Finding("state directory", Level.OK, text)


def plugins(catalogue: Catalogue) -> Iterator[Finding]:
    """Load every plugin by itself with all that its records name, and make the checks that it brings."""
    for outcome in catalogue.load_all():
        yield from plugin(outcome)


def lock(config: Path | None) -> Iterator[Finding]:
    """Compare what is installed with the lock that a configuration names, or the one in this folder."""
    path, catalogue = lock_in_force(config)
    if path is None:
        text = "there is none, so a live run takes whatever is installed"
        yield Finding("lock", Level.NOTE, text, "To write one: ml4t-live plugins lock")
        return
    try:
        differences = differences_from(read_lock(path), catalogue)
    except PluginError as error:
        yield Finding("lock", Level.BROKEN, str(error))
        return
    for each in differences:
        yield Finding("lock", Level.BROKEN, each.what, each.remedy)
    if not differences:
        yield Finding("lock", Level.OK, f"what is installed is what {path} says")


def plugin(outcome: Loaded | Broken) -> Iterator[Finding]:
    """Tell what became of loading one plugin, import what its records name, and make the checks that it brings."""
    if isinstance(outcome, Broken):
        yield Finding(f"plugin {outcome.name}", Level.BROKEN, outcome.message, outcome.remedy)
        return
    found = outcome.found
    level, notes = (Level.NOTE, f": {'; '.join(outcome.notes)}") if outcome.notes else (Level.OK, "")
    yield Finding(f"plugin {found.name}", level, f"{found.distribution} {found.version}{notes}")
    for broken in broken_factories(outcome):
        yield Finding(f"{found.name}: {broken.record}", Level.BROKEN, broken.message)
    for record in outcome.doctor:
        yield _own_check(outcome, record)


def _own_check(loaded: Loaded, record: DoctorRecord) -> Finding:
    name = f"{loaded.found.name}: {record.name}"
    try:
        with contained():
            said = resolve_factory(loaded.found, record.factory)()
    except Contained as failed:
        return Finding(name, Level.BROKEN, str(failed.original) or type(failed.original).__name__)
    if isinstance(said, str):
        return Finding(name, Level.OK, said)
    return Finding(name, Level.BROKEN, f"{record.factory} returned a {type(said).__name__}; a check returns a sentence")


def _at_least(name: str, have: tuple[int, ...], need: tuple[int, ...], text: str, remedy: str) -> Finding:
    return Finding(name, Level.OK, text) if have >= need else Finding(name, Level.BROKEN, text, remedy)


def _ownership(distributions: list[Distribution]) -> Iterator[Finding]:
    """Look for another distribution that owns files below ml4t/live, or ml4t/__init__.py, and for a second core."""
    intruders = sorted({_name(each) for each in distributions if canonicalize_name(_name(each)) != CORE and _intrudes(each)})
    for name in intruders:
        text = f"{name} has files of its own inside of ml4t/live, or an ml4t/__init__.py that hides it"
        yield Finding("packages", Level.BROKEN, text, f"Run: pip uninstall {name}; pip install --force-reinstall {CORE}")
    versions = {each.version for each in distributions if canonicalize_name(_name(each)) == CORE}
    if len(versions) > 1:
        text = f"{CORE} is installed {len(versions)} times: {', '.join(sorted(versions))}"
        yield Finding("packages", Level.BROKEN, text, f"Run: pip uninstall {CORE}, until there is none; pip install {CORE}")
    elif not intruders:
        yield Finding("packages", Level.OK, "nothing else owns files of ml4t/live")


def _name(distribution: Distribution) -> str:
    try:
        return str(distribution.name or "")
    except Exception:  # noqa: BLE001 - a half-removed distribution has files and no METADATA
        return ""


def _intrudes(distribution: Distribution) -> bool:
    try:
        files = distribution.files or ()
        return any(each.parts[:2] == ("ml4t", "live") or each.parts == ("ml4t", "__init__.py") for each in files)
    except Exception:  # noqa: BLE001 - as above
        return False
