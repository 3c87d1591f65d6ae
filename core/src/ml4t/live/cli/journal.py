"""`journal`: verify the journal of a run, or export it."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Failed, Refused
from ml4t.live.cli.state import find_state, open_journal
from ml4t.live.journal import export_lines, export_parquet
from ml4t.live.journal import verify as verify_journal

app = typer.Typer(add_completion=False, no_args_is_help=True)


class Format(StrEnum):
    """What an export is written as."""

    LINES = "lines"
    PARQUET = "parquet"


Output = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="The file to write; without it, stdout.")]
As = Annotated[Format, typer.Option("--format", help="JSON lines, or Parquet (needs pyarrow).")]


@app.callback()
def journal() -> None:
    """Verify or export the journal of a run."""


@app.command(epilog="Example: ml4t-live journal verify --state-dir state/momentum")
def verify(state_dir: options.StateDir = None, mode: options.Mode = None, as_json: options.Json = False) -> None:
    """Read the whole journal and say whether it is whole: no record missing, and every table as its records say.

    Exit code 1 when something is wrong.
    """
    state = find_state(state_dir, mode)
    problems = verify_journal(state.journal)
    if as_json:
        output.data({"journal": str(state.journal), "ok": not problems, "problems": problems})
    elif not problems:
        typer.echo(f"{state.journal} is whole")
    if problems:
        raise Failed("\n".join([f"{state.journal} is damaged:", *(f"  {problem}" for problem in problems)]))


@app.command(epilog="Example: ml4t-live journal export --state-dir state/momentum --format parquet --output run.parquet")
def export(state_dir: options.StateDir = None, form: As = Format.LINES, file: Output = None, mode: options.Mode = None) -> None:
    """Write every record for another program: one JSON object a line, or Parquet."""
    if form is Format.PARQUET and file is None:
        raise Refused("Parquet goes into a file; add --output run.parquet")
    with open_journal(state_dir, mode) as reader:
        if form is Format.PARQUET and file is not None:
            try:
                count = export_parquet(reader, file)
            except ImportError as error:
                raise Refused(str(error)) from error
        elif file is not None:
            with file.open("w", encoding="utf-8") as stream:
                count = export_lines(reader, stream)
        else:
            count = export_lines(reader, sys.stdout)
    output.say(f"{count:,} records" + (f" in {file}" if file else ""))
