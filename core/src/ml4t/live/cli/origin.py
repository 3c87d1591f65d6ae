"""Where a plugin comes from, and whether it is as it was locked: for `plugins show`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs

from ml4t.live.cli.locking import lock_in_force
from ml4t.live.errors import PluginError
from ml4t.live.plugins import Catalogue, Conflict, Loaded
from ml4t.live.plugins.lock import read_lock
from ml4t.live.plugins.provenance import provenance

_WORDS = {
    "distribution": "distribution",
    "version": "version",
    "entry_point": "entry point",
    "place": "installed in",
    "installed_as": "installed as",
    "installed_from": "installed from",
    "installer": "installer",
    "author": "author",
    "home_page": "home page",
    "licence": "licence",
    "requires_python": "Python",
    "asks_for": "asks for",
    "contract": "contract",
    "digest": "SHA-256 of its code",
    "files": "files",
    "lock": "lock",
}


def origin(name: str, catalogue: Catalogue, config: Path | None) -> list[dict[str, str]]:
    """Return where each distribution that claims a plugin's name comes from; one, when all is well.

    Raises PluginError when no plugin has the name.
    """
    outcome = catalogue.load(name)
    contract = {"contract": str(outcome.contract)} if isinstance(outcome, Loaded) else {}
    claimants = outcome.found.candidates if isinstance(outcome.found, Conflict) else (outcome.found,)
    state = {"lock": _lock_state(name, catalogue, config)}
    return [attrs.asdict(provenance(each)) | contract | state for each in claimants]


def origin_sheet(come_from: Sequence[dict[str, str]]) -> list[str]:
    """Return it as lines; what nobody has said is left out."""
    width = max(map(len, _WORDS.values()))
    return [f"  {_WORDS[key]:<{width}}  {told[key]}" for told in come_from for key in _WORDS if told.get(key)]


def _lock_state(name: str, catalogue: Catalogue, config: Path | None) -> str:
    path, _ = lock_in_force(config)
    if path is None:
        return "none"
    try:
        drift = catalogue.drift(read_lock(path), name)
    except PluginError as error:
        return str(error)
    return f"as {path} says" if drift is None else str(drift)
