"""Which plugins a configuration trusts: those that `[plugins]` allows, and that are as they were locked.

It is decided from the document alone, before anything is imported: looking up a secret may already need a plugin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from ml4t.live.config.document import Document
from ml4t.live.config.problem import Problem, Route
from ml4t.live.config.settings import PluginSettings
from ml4t.live.errors import PluginError
from ml4t.live.plugins import Catalogue, Found
from ml4t.live.plugins.drift import Drift
from ml4t.live.plugins.finder import is_core
from ml4t.live.plugins.lock import Lock, read_lock

_TABLES = ("feeds", "triggers", "forecasters", "observers")
_NOT_LIVE = (None, "shadow", "paper")


@frozen
class Trust:
    """What a configuration lets in: its plugins, and how those that it names differ from its lock."""

    catalogue: Catalogue
    """Imports nothing else."""
    drift: tuple[Problem, ...] = ()
    refuses: bool = False
    """True when a difference is the end of it."""


def trust(document: Document, plugins: PluginSettings | None, catalogue: Catalogue) -> Trust:
    """Return what a document lets in; `plugins` is its table [plugins], None when that has mistakes: then only the core.

    A difference ends a live run. A mode that is not written down, because it comes from a variable, counts as live.
    """
    live = _may_be_live(document)
    if plugins is None:
        return Trust(catalogue.restricted(allow=(), sealed=None))
    if plugins.lock is None:
        return Trust(catalogue.restricted(allow=plugins.allow, sealed=None))
    try:
        lock = read_lock(plugins.lock)
    except PluginError as error:
        nothing = catalogue.restricted(allow=() if live else plugins.allow, sealed=None)
        return Trust(nothing, (Problem(("plugins", "lock"), str(error)),), live)
    found = tuple(Problem(route, str(drift)) for route, drift in _differences(document, lock, catalogue))
    return Trust(catalogue.restricted(allow=plugins.allow, sealed=lock if live else None), found, live)


def admitted(plugins: PluginSettings, mode: str, catalogue: Catalogue) -> Catalogue:
    """Return the plugins that settings in a mode let in. Raises PluginError when the lock of a live run cannot be read."""
    sealed = read_lock(plugins.lock) if plugins.lock is not None and mode == "live" else None
    return catalogue.restricted(allow=plugins.allow, sealed=sealed)


def _differences(document: Document, lock: Lock, catalogue: Catalogue) -> Iterator[tuple[Route, Drift]]:
    """Yield what differs of the core and of each plugin that the document names, where it is named first."""
    named: dict[str, Route] = {}
    for entry in catalogue.plugins():
        if isinstance(entry, Found) and is_core(entry.distribution):
            named[entry.name] = ("plugins", "lock")
    for route, use in _uses(document.data):
        named.setdefault(use.partition(".")[0], (*route, "use"))
    seen: set[Drift] = set()
    for name, route in named.items():
        drift = catalogue.drift(lock, name)
        if drift is not None and drift not in seen:
            seen.add(drift)
            yield route, drift


def _uses(data: Mapping[str, Any]) -> Iterator[tuple[Route, str]]:
    """Yield what every table of a component names, and where the table is."""
    tables: list[tuple[Route, Any]] = [((section,), data.get(section)) for section in ("broker", "host")]
    for section in _TABLES:
        named = data.get(section)
        if isinstance(named, Mapping):
            tables += [((section, name), table) for name, table in named.items()]
    risk = data.get("risk")
    checks = risk.get("checks") if isinstance(risk, Mapping) else None
    if isinstance(checks, Sequence) and not isinstance(checks, str):
        tables += [(("risk", "checks", position), table) for position, table in enumerate(checks)]
    for route, table in tables:
        use = table.get("use") if isinstance(table, Mapping) else None
        if isinstance(use, str):
            yield route, use


def _may_be_live(document: Document) -> bool:
    modes = [_written(document.data, "live", "mode"), _written(document.data, "risk", "execution_mode")]
    return any(mode not in _NOT_LIVE for mode in modes)


def _written(data: Mapping[str, Any], section: str, key: str) -> Any:
    table = data.get(section)
    return table.get(key) if isinstance(table, Mapping) else None
