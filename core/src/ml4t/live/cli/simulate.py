"""`simulate`: start one simulator, say how to reach it, and run it until it is stopped."""

from __future__ import annotations

import asyncio
import shlex
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from ml4t.live.cli import options, output, toml
from ml4t.live.config.assign import assign, parse_assignment
from ml4t.live.config.problem import Mistake
from ml4t.live.contracts.simulator import Simulator
from ml4t.live.engine.signals import StopSignals
from ml4t.live.errors import ConfigError
from ml4t.live.plugins import Broken, Catalogue, Loaded
from ml4t.live.plugins.naming import short_name, split_use
from ml4t.live.records import Kind
from ml4t.live.simulation import options_for, simulator

app = typer.Typer(add_completion=False)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The simulator: a plugin's name, or plugin.simulator.")]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option", metavar="KEY=VALUE", help="One of its settings, as `plugins show NAME` lists them. May be repeated."
    ),
]


@app.command(epilog="Example: ml4t-live simulate acme --option port=7497 --option seed=7")
def simulate(name: Name, option: Options = None, as_json: options.Json = False) -> None:
    """Start a vendor's simulator on this machine, print what a configuration needs to reach it, and run it until Ctrl-C.

    It speaks the vendor's own protocol, so any client of the vendor can talk to it. To run a whole configuration against
    simulators, `ml4t-live run CONFIG --simulate` is all it takes.
    """
    asyncio.run(_simulate(name, _table(option or []), as_json=as_json))


async def _simulate(name: str, table: dict[str, Any], *, as_json: bool) -> None:
    stopped = asyncio.Event()
    with StopSignals(lambda _: stopped.set(), lambda: None), ExitStack() as stack:
        catalogue = Catalogue.discover()
        with output.other_peoples_code():
            running = stack.enter_context(simulator(name, table, catalogue))
        told = _as_dict(name, running, catalogue.load(split_use(name)[0]))
        if as_json:
            output.data(told)
        else:
            typer.echo(_sheet(told))
        await stopped.wait()
    output.say(f"{name} stopped")


def _table(assignments: list[str]) -> dict[str, Any]:
    """Return the table of a simulator's settings. Raises ConfigError with every one that cannot be read."""
    table: dict[str, Any] = {}
    problems = []
    for text in assignments:
        try:
            assign(table, *parse_assignment(text))
        except Mistake as error:
            problems.append(f"--option {text.partition('=')[0]}: {error}")
    if problems:
        raise ConfigError(problems)
    return table


def _as_dict(name: str, running: Simulator, plugin: Loaded | Broken) -> dict[str, Any]:
    host, port = running.address
    return {
        "name": name,
        "address": f"{host}:{port}",
        "options": dict(running.options),
        "environ": dict(running.environ),
        "tables": _tables(running, plugin) if isinstance(plugin, Loaded) else {},
    }


def _tables(running: Simulator, plugin: Loaded) -> dict[str, Any]:
    """Return the tables of a configuration that lead to the simulator: one of each feed, and that of the first broker."""

    def tables(kind: Kind) -> dict[str, Any]:
        return {
            each.name: {"use": short_name(plugin.found.name, each), **options}
            for each in plugin.components[kind]
            if (options := options_for(each, running))
        }

    feeds, brokers = tables(Kind.FEED), list(tables(Kind.BROKER).values())
    return ({"feeds": feeds} if feeds else {}) | ({"broker": brokers[0]} if brokers else {})


def _sheet(told: dict[str, Any]) -> str:
    lines = [f"{told['name']} is simulated at {told['address']}. Ctrl-C stops it.", ""]
    if told["environ"]:
        lines += ["Set these variables:", ""]
        lines += [f"  export {name}={shlex.quote(value)}" for name, value in told["environ"].items()] + [""]
    lines += ["Write this into a configuration:", ""]
    lines += [f"  {line}".rstrip() for line in toml.dumps(told["tables"] or told["options"]).splitlines()]
    return "\n".join(lines)
