"""`plugins`: what is installed, and what each offers."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Failed
from ml4t.live.plugins import Broken, Catalogue, Conflict, Entry, Loaded, check_core

app = typer.Typer(add_completion=False, no_args_is_help=True)

Load = Annotated[bool, typer.Option("--load", help="Import each plugin, one by one, and show what it offers.")]
AllowedBy = Annotated[
    Path | None,
    typer.Option("--config", metavar="CONFIG", help="Mark what the [plugins] table of this configuration does not allow."),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The plugin's name, as `plugins list` shows it.")]


@app.callback()
def plugins() -> None:
    """List the installed plugins, or show what one offers."""


@app.command("list", epilog="Example: ml4t-live plugins list --load")
def list_(load: Load = False, config: AllowedBy = None, as_json: options.Json = False) -> None:
    """List the installed plugins: name, distribution, version, and whether each can be used.

    Nothing of theirs is imported, so that a broken plugin cannot get in the way; with --load each is imported, and a broken one
    is listed with its reason.
    """
    catalogue = Catalogue.discover(allow=_allowed(config))
    lines = [_line(entry, catalogue, load=load) for entry in catalogue.plugins()]
    if as_json:
        output.data(lines)
        return
    columns = ("name", "distribution", "version", "state", *(["offers"] if load else []), "editable from")
    output.show(output.table(f"{len(lines)} plugins", columns, (_row(line, load=load) for line in lines)))


@app.command(epilog="Example: ml4t-live plugins show trigger-time")
def show(name: Name, as_json: options.Json = False) -> None:
    """Show one plugin: its components, their settings with types and defaults, and what is wrong with it.

    Exit code 1 when it is broken.
    """
    from ml4t.live.cli.describe import describe, sheet  # noqa: PLC0415 - it reads sources, which a list does not need

    with output.other_peoples_code():
        outcome = Catalogue.discover().load(name)
    if isinstance(outcome, Broken):
        _show_broken(outcome, as_json=as_json)
        raise Failed(f"{outcome.message}. {outcome.remedy}")
    description = describe(outcome)
    if as_json:
        output.data(description)
    else:
        output.show(*sheet(description))


def _allowed(config: Path | None) -> tuple[str, ...] | None:
    if config is None:
        return None
    from ml4t.live.config import read  # noqa: PLC0415 - only with --config

    table = read(config).data.get("plugins")
    allow = table.get("allow") if isinstance(table, dict) else None
    return tuple(map(str, allow)) if isinstance(allow, list) else None


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
    if isinstance(outcome, Broken):
        return {"state": state if state != "ok" else "broken", "problem": outcome.message, "components": []}
    return {"components": list(_components(outcome))}


def _components(loaded: Loaded) -> Iterator[dict[str, str]]:
    for kind, components in loaded.components.items():
        yield from ({"kind": kind.value, "name": each.name, "summary": each.summary} for each in components)
    yield from ({"kind": "command", "name": each.name, "summary": each.summary} for each in loaded.commands)
    if loaded.secret is not None:
        yield {"kind": "secret", "name": loaded.found.name, "summary": "Looks up secrets."}


def _row(line: dict[str, Any], *, load: bool) -> list[str]:
    offers = [", ".join(f"{each['kind']} {each['name']}" for each in line.get("components", [])) or line["problem"]]
    return [line["name"], line["distribution"], line["version"], line["state"], *(offers if load else []), line["origin"]]


def _joined(entry: Entry, attribute: str) -> str:
    candidates = entry.candidates if isinstance(entry, Conflict) else (entry,)
    return ", ".join(str(getattr(each, attribute)) for each in candidates)


def _show_broken(broken: Broken, *, as_json: bool) -> None:
    trace = "".join(traceback.format_exception(broken.exception)) if broken.exception is not None else ""
    if as_json:
        told = {"name": broken.name, "state": "broken", "stage": broken.stage, "problem": broken.message}
        output.data(told | {"remedy": broken.remedy, "traceback": trace})
    elif trace:
        output.say(trace)
