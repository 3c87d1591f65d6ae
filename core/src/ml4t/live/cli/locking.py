"""What `plugins lock` does: write down which plugins may run, or compare what is installed with that."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer

from ml4t.live.cli import output
from ml4t.live.cli.exits import Failed, Refused
from ml4t.live.config import read
from ml4t.live.config.loader import plugin_settings
from ml4t.live.config.settings import PluginSettings
from ml4t.live.errors import ConfigError
from ml4t.live.plugins import Catalogue, Conflict, Entry
from ml4t.live.plugins.code import UNREADABLE
from ml4t.live.plugins.drift import Drift, drifts
from ml4t.live.plugins.lock import LOCK_NAME, Lock, read_lock


def write_lock(config: Path | None, overlays: Iterable[Path], file: Path | None, *, as_json: bool) -> None:
    """Lock what a configuration allows, or all that is installed, and say so. Raises Refused for what cannot be locked."""
    table, path, catalogue = _chosen(config, overlays, file)
    allowed = [entry for entry in catalogue.plugins() if catalogue.allows(entry.name)]
    made = _made(allowed, catalogue)
    try:
        path.write_text(made.dumps(), encoding="utf-8")
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}; name another with --output") from error
    _tell(made, path, allowed, as_json=as_json)
    if config is not None and table.lock is None:
        output.say(f'{config} does not name it: write lock = "{path.name}" in its table [plugins]')


def check_lock(config: Path | None, overlays: Iterable[Path], file: Path | None, *, as_json: bool) -> None:
    """Compare the lock with what is installed, and print each difference. Raises Failed when there is one."""
    _, path, catalogue = _chosen(config, overlays, file)
    differences = differences_from(read_lock(path), catalogue)
    if as_json:
        output.data({"lock": str(path), "ok": not differences, "differences": [str(each) for each in differences]})
    else:
        for each in differences:
            typer.echo(str(each))
    if differences:
        raise Failed(f"{path}: {len(differences)} difference{'s' * (len(differences) > 1)} from what is installed")
    if not as_json:
        typer.echo(f"{path}: what is installed is what was locked")


def differences_from(lock: Lock, catalogue: Catalogue) -> list[Drift]:
    """Return how what is installed differs from a lock: plugins that are not in it count when they are allowed."""
    held = set(lock.plugins)
    entries = [entry for entry in catalogue.plugins() if entry.name in held or catalogue.allows(entry.name)]
    return drifts(lock, entries, catalogue.code)


def plugin_table(config: Path | None, overlays: Iterable[Path] = ()) -> PluginSettings:
    """Return the table [plugins] of a configuration, an empty one without it. Raises ConfigError for one with mistakes."""
    if config is None:
        return PluginSettings()
    settings, problems = plugin_settings(read(config, overlays=overlays))
    if settings is None:
        raise ConfigError([f"{'.'.join(map(str, each.route))}: {each.text}" for each in problems], source=str(config))
    return settings


def lock_in_force(config: Path | None) -> tuple[Path | None, Catalogue]:
    """Return the lock that a configuration names, None when it names none, and the plugins that it allows.

    Without a configuration it is the `ml4t-live.lock` in this folder, when there is one, and every plugin.
    """
    table = plugin_table(config)
    here = Path(LOCK_NAME) if config is None and Path(LOCK_NAME).exists() else None
    return table.lock or here, Catalogue.discover(allow=table.allow)


def _made(allowed: list[Entry], catalogue: Catalogue) -> Lock:
    made = Lock.of([entry for entry in allowed if isinstance(entry, Conflict) or not entry.problem], catalogue.code)
    unreadable = [path for each in made.distributions.values() for path, sha in each.files.items() if sha == UNREADABLE]
    if unreadable:
        raise Refused(f"these files cannot be read, so nobody can lock them: {', '.join(unreadable)}; check their permissions")
    return made


def _tell(made: Lock, path: Path, allowed: list[Entry], *, as_json: bool) -> None:
    left_out = [entry.name for entry in allowed if entry.name not in made.plugins]
    for entry in allowed:
        if entry.name in left_out:
            output.say(f"left out: {entry.message if isinstance(entry, Conflict) else entry.problem}")
    if as_json:
        versions = {name: each.version for name, each in made.distributions.items()}
        output.data({"lock": str(path), "distributions": versions, "plugins": made.plugins, "left_out": left_out})
    else:
        files = sum(len(each.files) for each in made.distributions.values())
        typer.echo(f"{path}: {len(made.plugins)} plugins of {len(made.distributions)} distributions, {files} files")


def _chosen(config: Path | None, overlays: Iterable[Path], file: Path | None) -> tuple[PluginSettings, Path, Catalogue]:
    table = plugin_table(config, overlays)
    path = file or table.lock or (config.parent if config else Path()) / LOCK_NAME
    return table, path, Catalogue.discover(allow=table.allow)
