"""`plugins`: what is installed, and what each offers."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Failed
from ml4t.live.plugins import Broken, Catalogue, Conflict, Entry, Loaded, broken_factories, check_core

app = typer.Typer(add_completion=False, no_args_is_help=True)

Load = Annotated[bool, typer.Option("--load", help="Import each plugin and all that it offers, one by one, and show it.")]
AllowedBy = Annotated[
    Path | None,
    typer.Option("--config", metavar="CONFIG", help="Mark what the [plugins] table of this configuration does not allow."),
]
Locks = Annotated[
    Path | None,
    typer.Option("--config", metavar="CONFIG", help="Lock what this configuration allows, in the file that it names."),
]
Output = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="The lock; without it, ml4t-live.lock.")]
Check = Annotated[bool, typer.Option("--check", help="Write nothing: compare the lock with what is installed.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The plugin's name, as `plugins list` shows it.")]


@app.callback()
def plugins() -> None:
    """List the installed plugins, or show what one offers."""


@app.command("list", epilog="Example: ml4t-live plugins list --load")
def list_(load: Load = False, config: AllowedBy = None, as_json: options.Json = False) -> None:
    """List the installed plugins: name, distribution, version, and whether each can be used.

    Nothing of theirs is imported, so that a broken plugin cannot get in the way; with --load each is imported with
    all that it offers, and a broken one is listed with its reason.
    """
    catalogue = Catalogue.discover(allow=_allowed(config))
    lines = [_line(entry, catalogue, load=load) for entry in catalogue.plugins()]
    if as_json:
        output.data(lines)
        return
    columns = ("name", "distribution", "version", "state", *(["offers"] if load else []), "editable from")
    output.show(output.table(f"{len(lines)} plugins", columns, (_row(line, load=load) for line in lines)))


@app.command(epilog="Example: ml4t-live plugins show trigger-time")
def show(name: Name, config: options.LockedBy = None, as_json: options.Json = False) -> None:
    """Show one plugin: where it comes from, its components, their settings with types and defaults, and what is wrong with it.

    Exit code 1 when it is broken.
    """
    from ml4t.live.cli.describe import describe, sheet  # noqa: PLC0415 - it reads sources, which a list does not need
    from ml4t.live.cli.origin import origin, origin_sheet  # noqa: PLC0415 - as above

    catalogue = Catalogue.discover()
    with output.other_peoples_code():
        outcome = catalogue.load(name)
    come_from = origin(name, catalogue, config)
    if isinstance(outcome, Broken):
        _show_broken(outcome, come_from, as_json=as_json)
        raise Failed(f"{outcome.message}. {outcome.remedy}")
    description = describe(outcome)
    if as_json:
        output.data(description | {"provenance": come_from})
    else:
        head, *rest = sheet(description)
        output.show(head, *origin_sheet(come_from), *rest)


@app.command(epilog="Example: ml4t-live plugins lock --config live.toml; ml4t-live plugins lock --config live.toml --check")
def lock(
    config: Locks = None,
    overlay: options.Overlays = None,
    file: Output = None,
    check: Check = False,
    as_json: options.Json = False,
) -> None:
    """Write down every plugin that may run, with its version and the hash of each of its files, for live runs to insist on.

    Nothing is imported. A configuration names the file in its table [plugins]: lock = "ml4t-live.lock". Exit code 1 when
    --check finds a difference, 2 when there is no lock to compare with.
    """
    from ml4t.live.cli.locking import check_lock, write_lock  # noqa: PLC0415 - a list does not read configurations

    (check_lock if check else write_lock)(config, overlay or [], file, as_json=as_json)


def _allowed(config: Path | None) -> tuple[str, ...] | None:
    if config is None:
        return None
    from ml4t.live.cli.locking import plugin_table  # noqa: PLC0415 - only with --config

    return plugin_table(config).allow


def _line(entry: Entry, catalogue: Catalogue, *, load: bool) -> dict[str, Any]:
    line: dict[str, Any] = {
        "name": entry.name,
        "distribution": _joined(entry, "distribution"),
        "version": _joined(entry, "version"),
        "origin": "" if isinstance(entry, Conflict) else entry.origin,
        "state": _state(entry, catalogue),
        "problem": "",
    }
    return line | _loaded(entry, catalogue, line["state"]) if load else line


def _state(entry: Entry, catalogue: Catalogue) -> str:
    """Return `ok`, or what can be seen to be wrong without importing anything."""
    if isinstance(entry, Conflict):
        return "conflict"
    if entry.problem:
        return "bad name"
    if problem := check_core(entry).problem:
        return problem
    return "ok" if catalogue.allows(entry.name) else "not allowed"


def _loaded(entry: Entry, catalogue: Catalogue, state: str) -> dict[str, Any]:
    if not catalogue.allows(entry.name):
        return {"components": []}
    with output.other_peoples_code():
        outcome = catalogue.load(entry.name)
        problems = [each.message for each in broken_factories(outcome)] if isinstance(outcome, Loaded) else [outcome.message]
    told: dict[str, Any] = {"components": list(_components(outcome)) if isinstance(outcome, Loaded) else []}
    if problems:
        told |= {"state": state if state != "ok" else "broken", "problem": "; ".join(problems)}
    return told


def _components(loaded: Loaded) -> Iterator[dict[str, str]]:
    for kind, components in loaded.components.items():
        yield from ({"kind": kind.value, "name": each.name, "summary": each.summary} for each in components)
    yield from ({"kind": "command", "name": each.name, "summary": each.summary} for each in loaded.commands)
    if loaded.secret is not None:
        yield {"kind": "secret", "name": loaded.found.name, "summary": "Looks up secrets."}


def _row(line: dict[str, Any], *, load: bool) -> list[str]:
    offers = [line["problem"] or ", ".join(f"{each['kind']} {each['name']}" for each in line.get("components", []))]
    return [line["name"], line["distribution"], line["version"], line["state"], *(offers if load else []), line["origin"]]


def _joined(entry: Entry, attribute: str) -> str:
    candidates = entry.candidates if isinstance(entry, Conflict) else (entry,)
    return ", ".join(str(getattr(each, attribute)) for each in candidates)


def _show_broken(broken: Broken, come_from: list[dict[str, str]], *, as_json: bool) -> None:
    trace = "".join(traceback.format_exception(broken.exception)) if broken.exception is not None else ""
    if as_json:
        told = {"name": broken.name, "state": "broken", "stage": broken.stage, "problem": broken.message}
        output.data(told | {"remedy": broken.remedy, "traceback": trace, "provenance": come_from})
        return
    from ml4t.live.cli.origin import origin_sheet  # noqa: PLC0415 - as above

    output.show(*origin_sheet(come_from))
    if trace:
        output.say(trace)
