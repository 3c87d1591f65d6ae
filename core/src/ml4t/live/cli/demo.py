"""`demo`: the whole pipeline on real recorded prices."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Refused
from ml4t.live.cli.report import read, say_where, write_page
from ml4t.live.cli.run import print_summary, run_config
from ml4t.live.demo import CONFIG, PLUGINS
from ml4t.live.errors import ConfigError, LiveError
from ml4t.live.journal import StateDir

app = typer.Typer(add_completion=False)

Folder = Annotated[
    Path | None,
    typer.Option("--state-dir", metavar="DIR", help="Where the journal and the log go. Without it: a new temporary folder."),
]


@app.command(epilog="Example: ml4t-live demo --state-dir state/demo")
def demo(state_dir: Folder = None, as_json: options.Json = False, log_level: options.Level = "warning") -> None:
    """Run the whole pipeline on real recorded prices, without an account.

    Replay feed, bars, triggers, forecasters and ledger; strategy, risk gate, shadow venue and journal. Nothing leaves this
    machine. A copy of its configuration is a good start for one of your own. At the end a report is written, with charts.
    """
    folder = state_dir or Path(tempfile.mkdtemp(prefix="ml4t-live-demo-"))
    with output.other_peoples_code(as_json=as_json):
        failure, state = _run(folder, log_level)
    if state is not None:
        print_summary(state, as_json=as_json)
    if not as_json:
        typer.echo(f"Configuration:   {CONFIG}")
        if state is not None:
            say_where(write_page(state, read(state), None))
    if failure is not None:
        raise failure


def _run(folder: Path, level: str) -> tuple[LiveError | None, StateDir | None]:
    try:
        return run_config(CONFIG, [], [], folder, level)
    except ConfigError as error:
        raise Refused(f"{error}\nThe demo needs: pip install {' '.join(PLUGINS)}") from error
