"""`config`: check or show a configuration, or print its schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from ml4t.live.cli import options, output, toml
from ml4t.live.config import Settings, json_schema, load, read
from ml4t.live.config import show as masked
from ml4t.live.errors import ConfigError
from ml4t.live.plugins import Broken, Catalogue, Loaded
from ml4t.live.plugins.naming import short_name
from ml4t.live.records import Component, Kind

app = typer.Typer(add_completion=False, no_args_is_help=True)

Deep = Annotated[
    bool,
    typer.Option(
        "--deep/--no-deep",
        help="Import the strategy and every component, and look for calendar and files, as a run would; or the text alone.",
    ),
]
Output = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="The file to write; without it, stdout.")]


@app.callback()
def config() -> None:
    """Check or show a configuration, or print its schema."""


@app.command(epilog="Example: ml4t-live config check live.toml --overlay paper.toml")
def check(
    config: options.Config,
    overlay: options.Overlays = None,
    assign: options.Assignments = None,
    deep: Deep = True,
    as_json: options.Json = False,
) -> None:
    """Check a configuration: every mistake at once, each with its place, its value and its remedy.

    What it names is imported, as a run would, and nothing is connected; with --no-deep only the light modules of its plugins
    are, for a machine that lacks the rest. Exit code 2 when there is a mistake.
    """
    try:
        with output.other_peoples_code():
            settings = load(config, catalogue=Catalogue.discover(), overlays=overlay or [], assignments=assign or [], deep=deep)
    except ConfigError as error:
        if as_json:
            output.data({"ok": False, "config": str(config), "problems": error.problems})
        raise
    if as_json:
        output.data({"ok": True, "config": str(config), "problems": [], **_facts(settings)})
        return
    facts = _facts(settings)
    typer.echo(f"{config} is good: {facts['name']}, {facts['mode']} mode")
    for section in ("feeds", "checks", "triggers", "forecasters", "observers"):
        if facts[section]:
            typer.echo(f"  {section}: {', '.join(facts[section])}")
    if facts["limits_off"]:
        typer.echo(f"  limits that are off: {', '.join(facts['limits_off'])}")
    if facts["lock"]:
        typer.echo(f"  lock: {facts['lock']}: {'not what is installed' if facts['drift'] else 'as installed'}")
    elif facts["mode"] == "live":
        typer.echo("  lock: none, so whatever is installed is run; to write one: ml4t-live plugins lock --config CONFIG")
    for difference in facts["drift"]:
        typer.echo(f"    {difference}")


@app.command(epilog="Example: ml4t-live config show live.toml --set risk.max_order_value=5000")
def show(
    config: options.Config,
    overlay: options.Overlays = None,
    assign: options.Assignments = None,
    as_json: options.Json = False,
) -> None:
    """Print the configuration after overlays and --set, with references where secrets are."""
    document = masked(read(config, overlays=overlay or [], assignments=assign or []))
    if as_json:
        output.data(document)
    else:
        typer.echo(toml.dumps(document), nl=False)


@app.command(epilog="Example: ml4t-live config schema --output ml4t-live.schema.json")
def schema(file: Output = None) -> None:
    """Print the JSON Schema of a configuration, with the settings of every installed plugin, for editors.

    A plugin that cannot be loaded is left out, with a word on stderr.
    """
    with output.other_peoples_code():
        made = json_schema(_offers(Catalogue.discover()))
    if file is None:
        output.data(made)
        return
    file.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
    output.say(f"written to {file}")


def _facts(settings: Settings) -> dict[str, Any]:
    return {
        "name": settings.live.name,
        "mode": settings.live.mode,
        "strategy": settings.live.strategy,
        "feeds": [each.name for each in settings.feeds],
        "broker": settings.broker.use if settings.broker else None,
        "checks": [each.name for each in settings.checks],
        "triggers": [each.name for each in settings.triggers],
        "forecasters": [each.name for each in settings.forecasters],
        "observers": [each.name for each in settings.observers],
        "limits_off": list(settings.risk.disabled()),
        "lock": str(settings.plugins.lock) if settings.plugins.lock is not None else None,
        "drift": list(settings.drift),
        "digest": settings.digest,
    }


def _offers(catalogue: Catalogue) -> dict[Kind, dict[str, Component]]:
    offers: dict[Kind, dict[str, Component]] = {kind: {} for kind in Kind}
    for outcome in catalogue.load_all():
        if isinstance(outcome, Broken):
            output.say(f"left out: {outcome.message}")
        else:
            _add(offers, outcome)
    return offers


def _add(offers: dict[Kind, dict[str, Component]], loaded: Loaded) -> None:
    plugin = loaded.found.name
    for kind, components in loaded.components.items():
        for component in components:
            offers[kind][short_name(plugin, component)] = component
        if len(components) == 1:  # then the plugin's name alone will do
            offers[kind][plugin] = components[0]
