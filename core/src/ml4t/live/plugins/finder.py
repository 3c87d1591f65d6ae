"""Finds the plugins that are installed, from metadata alone: nothing of theirs is imported."""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from attrs import field, frozen
from packaging.utils import canonicalize_name

from ml4t.live.hookspecs import GROUP
from ml4t.live.plugins import metadata

CORE = "ml4t-live"
"""The distribution of core itself, whose own entry points are the standard plugins."""

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_UNREADABLE = "unreadable"


@frozen(kw_only=True)
class Found:
    """One entry point of the group, and the distribution that it comes from."""

    name: str
    target: str
    """What the entry point names: a module, or `module:attribute`."""
    distribution: str
    version: str
    requirements: tuple[str, ...] = ()
    """What the distribution asks for, as its metadata writes it."""
    origin: str = ""
    """The folder of an editable install, where that is known."""
    installed: metadata.Distribution | None = field(default=None, eq=False, repr=False)
    """The distribution's metadata; None for one that was not found but made up."""

    @property
    def provenance(self) -> str:
        """The distribution, its version and the entry point, for messages."""
        return f"{self.distribution} {self.version}, entry point {self.name} = {self.target}"

    @property
    def source(self) -> str:
        """What to give to `pip install` to get this plugin again."""
        return f"-e {self.origin}" if self.origin else self.distribution

    @property
    def problem(self) -> str:
        """Why a configuration cannot name this entry point; empty when it can."""
        if _NAME.fullmatch(self.name):
            return ""
        return f"{self.name!r} cannot be written in a config: a plugin's name is small letters, digits, - and _, without a dot"


@frozen(kw_only=True)
class Conflict:
    """One name that several installed entry points claim. None of them is imported: guessing could place orders."""

    name: str
    candidates: tuple[Found, ...]

    @property
    def provenance(self) -> str:
        """Every claimant, for messages."""
        return " and ".join(f"{each.distribution} {each.version} ({each.target})" for each in self.candidates)

    @property
    def message(self) -> str:
        """What is wrong."""
        return f"the plugin name {self.name!r} is claimed by {self.provenance}; none of them is used"

    @property
    def remedy(self) -> str:
        """The commands that mend it; core itself is never the one to remove."""
        names = dict.fromkeys(each.distribution for each in self.candidates if not is_core(each.distribution))
        return "Keep one of them: " + " or ".join(f"`pip uninstall {name}`" for name in names)


Entry: TypeAlias = Found | Conflict


def is_core(distribution: str) -> bool:
    """Return whether a distribution's name is core's own, however it is spelt."""
    return canonicalize_name(distribution) == CORE


@functools.cache
def find_plugins() -> tuple[Entry, ...]:
    """Return what is installed, sorted by name. The environment is looked at once per process: see `refresh`."""
    return scan()


def refresh() -> None:
    """Forget the scan, so that the next `find_plugins` looks again. For tests and for long-lived tools."""
    importlib.invalidate_caches()
    find_plugins.cache_clear()


def scan(path: Sequence[str] | None = None) -> tuple[Entry, ...]:
    """Return the plugins of `sys.path`, or of the folders given, sorted by name."""
    by_name: dict[str, list[Found]] = {}
    for found in _found(metadata.installed(path)):
        claimants = by_name.setdefault(found.name, [])
        if found not in claimants:
            claimants.append(found)
    return tuple(_entry(name, claimants) for name, claimants in sorted(by_name.items()))


def _entry(name: str, claimants: list[Found]) -> Entry:
    if len(claimants) == 1:
        return claimants[0]
    return Conflict(name=name, candidates=tuple(sorted(claimants, key=lambda each: (each.distribution, each.target))))


def _found(distributions: Iterable[metadata.Distribution]) -> Iterator[Found]:
    # Editable installs leave their metadata twice on the path. The first copy of a distribution is the one that
    # `import` would take its code from, so it is the one that counts.
    seen: set[str] = set()
    for distribution in distributions:
        points = _points(distribution)
        if not points:
            continue
        name, version, requirements = _said(distribution)
        if name != _UNREADABLE and canonicalize_name(name) in seen:
            continue
        seen.add(canonicalize_name(name))
        origin = _origin(distribution)
        for point in points:
            yield Found(
                name=point.name,
                target=point.value.partition("[")[0].strip(),
                distribution=name,
                version=version,
                requirements=requirements,
                origin=origin,
                installed=distribution,
            )


def _points(distribution: metadata.Distribution) -> list[metadata.EntryPoint]:
    try:
        return [point for point in distribution.entry_points if point.group == GROUP]
    except Exception:  # noqa: BLE001 - one damaged file among all that are installed must not hide the others
        return []


def _said(distribution: metadata.Distribution) -> tuple[str, str, tuple[str, ...]]:
    """Return name, version and requirements. Each look at `distribution.metadata` reads the file: there is one."""
    try:
        said = distribution.metadata
        requirements = said.get_all("Requires-Dist") or distribution.requires or ()
        return str(said.get("Name") or _UNREADABLE), str(said.get("Version") or _UNREADABLE), tuple(requirements)
    except Exception:  # noqa: BLE001 - a half-removed distribution has entry points and no METADATA
        return _UNREADABLE, _UNREADABLE, ()


def _origin(distribution: metadata.Distribution) -> str:
    try:
        origin = distribution.origin
        return unquote(urlsplit(origin.url).path) if origin.dir_info.editable else ""
    except Exception:  # noqa: BLE001 - direct_url.json is absent, of another shape, or damaged: nothing is lost
        return ""
