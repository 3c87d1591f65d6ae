"""The entry point of `ml4t-live`: the table of commands, and what becomes of an error.

The commands of plugins are not in the table. They are looked for only when a name is typed that the table does not have, so
that neither `--help` nor any command of the core imports a plugin for them: `plugins list --load` shows who has which.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import typer

from ml4t.live.cli import exits, output
from ml4t.live.cli.lazy import LazyCommand, LazyGroup
from ml4t.live.errors import LiveError

RUN = "Run"
LOOK = "Look at a run"
STEP_IN = "Step in"
SET_UP = "Set up"

COMMANDS = (
    LazyCommand("run", "ml4t.live.cli.run:app", "Run a configuration until its data end or you stop it.", RUN),
    LazyCommand("demo", "ml4t.live.cli.demo:app", "Run the whole pipeline on real recorded prices, without an account.", RUN),
    LazyCommand("simulate", "ml4t.live.cli.simulate:app", "Start a vendor's simulator, to try things without an account.", RUN),
    LazyCommand(
        "status", "ml4t.live.cli.status:app", "Show health, positions, equity, open orders, limits and the kill switch.", LOOK
    ),
    LazyCommand("orders", "ml4t.live.cli.orders:app", "List orders, refused ones included.", LOOK),
    LazyCommand("forecasts", "ml4t.live.cli.forecasts:app", "List forecasts and what became of them.", LOOK),
    LazyCommand("why", "ml4t.live.cli.why:app", "Tell why an order was sent or refused, or what happened to a symbol.", LOOK),
    LazyCommand("report", "ml4t.live.cli.report:app", "Report a session, as tables and as a page with charts.", LOOK),
    LazyCommand(
        "parity",
        "ml4t.live.cli.parity:app",
        "Prove that a strategy decides the same: live and in its backtest, or in a session again.",
        LOOK,
    ),
    LazyCommand(
        "journal", "ml4t.live.cli.journal:app", "List the runs of a journal, verify, repair, rotate or export it.", LOOK
    ),
    LazyCommand("kill", "ml4t.live.cli.control:kill_app", "Stop all orders of a run, running or not.", STEP_IN),
    LazyCommand("resume", "ml4t.live.cli.control:resume_app", "Allow orders again after a kill.", STEP_IN),
    LazyCommand("flatten", "ml4t.live.cli.control:flatten_app", "Close every position of a run.", STEP_IN),
    LazyCommand("trigger", "ml4t.live.cli.trigger:app", "Fire a trigger of a run by hand.", STEP_IN),
    LazyCommand("config", "ml4t.live.cli.config:app", "Check or show a configuration, or print its schema.", SET_UP),
    LazyCommand("plugins", "ml4t.live.cli.plugins:app", "List the installed plugins, or show what one offers.", SET_UP),
    LazyCommand("doctor", "ml4t.live.cli.doctor:app", "Check the installation, and say how to mend it.", SET_UP),
    LazyCommand("new", "ml4t.live.cli.new:app", "Write a plugin of your own, tests and all, to begin with.", SET_UP),
)


class Commands(LazyGroup):
    """The commands of the core, and behind them those of the plugins."""

    table: ClassVar[Sequence[LazyCommand]] = COMMANDS

    def on_error(self, error: Exception) -> int:
        """Say what went wrong on stderr: a sentence when it was said on purpose, and where the traceback is when not."""
        if isinstance(error, LiveError):
            if str(error):
                output.say(str(error))
            return exits.code_of(error)
        from ml4t.live.cli.crash import report_crash  # noqa: PLC0415 - hardly ever needed

        output.say(report_crash(error))
        return exits.FAILED

    def unknown(self, name: str) -> Any:
        """Return a plugin's command, None when no plugin has one of that name."""
        from ml4t.live.cli.extra import plugin_command  # noqa: PLC0415 - it looks at every plugin

        return plugin_command(name)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with: ml4t-live demo. "
    "Exit codes: 0 done, 1 failed, 2 refused (bad configuration, missing plugin, wrong usage), 3 halted by its own strategy.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from ml4t.live.plugins.requirements import running_version  # noqa: PLC0415

        typer.echo(running_version())
        raise typer.Exit(exits.OK)


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Live trading whose parts are pip packages: feeds, brokers, risk checks, triggers and forecasters from one TOML file."""


def main() -> None:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that knows no sparkline gets question marks instead of a crash
            stream.reconfigure(errors="replace")
    app()
