"""`journal`: list the runs of a journal, verify, repair, rotate or export it."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Failed, Refused
from ml4t.live.cli.state import find_state, open_journal
from ml4t.live.clock import SystemClock
from ml4t.live.journal import RecordKind, export_lines, export_parquet, holes
from ml4t.live.journal import verify as verify_journal
from ml4t.live.journal.repair import repair as repair_journal
from ml4t.live.journal.rotate import KEEP
from ml4t.live.journal.rotate import rotate as rotate_journal
from ml4t.live.report.runs import run_lines
from ml4t.live.report.words import NOTHING

app = typer.Typer(add_completion=False, no_args_is_help=True)


class Format(StrEnum):
    """What an export is written as."""

    LINES = "lines"
    PARQUET = "parquet"


Output = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="The file to write; without it, stdout.")]
Keep = Annotated[int, typer.Option("--keep", min=1, help="How many of the newest records stay.")]
As = Annotated[Format, typer.Option("--format", help="JSON lines, or Parquet (needs pyarrow).")]


@app.callback()
def journal() -> None:
    """List the runs of a journal, verify, repair, rotate or export it."""


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
        said = [f"{state.journal} is damaged:", *(f"  {problem}" for problem in problems)]
        raise Failed("\n".join([*said, f"To repair it: ml4t-live journal repair --state-dir {state.path}"]))


@app.command(epilog="Example: ml4t-live journal runs --state-dir state/momentum --limit 5")
def runs(
    state_dir: options.StateDir = None, mode: options.Mode = None, limit: options.Limit = 20, as_json: options.Json = False
) -> None:
    """List the runs, newest last: what each ran on, how it ended, and what was not as in the run before."""
    with open_journal(state_dir, mode) as reader:
        lines = run_lines(reader.records(RecordKind.RUN))[-limit:]
    if as_json:
        output.data(lines)
        return
    columns = ("run", "began", "ml4t-live", "Python", "host", "ended", "not as in the run before")
    output.show(output.table(f"{len(lines)} runs", columns, (_run_row(line) for line in lines)))


@app.command(epilog="Example: ml4t-live journal repair --state-dir state/momentum")
def repair(state_dir: options.StateDir = None, mode: options.Mode = None, as_json: options.Json = False) -> None:
    """Replace a damaged journal by one with every record that can still be read. The damaged file is kept beside it.

    Says which records are lost. The kill switch stays thrown, or is thrown, when its state cannot be read.
    """
    done = repair_journal(find_state(state_dir, mode), SystemClock())
    if as_json:
        output.data(attrs.asdict(done) | {"journal": str(done.journal), "original": done.original and str(done.original)})
        return
    if done.original is None:
        typer.echo(f"{done.journal} is whole; there is nothing to repair")
        return
    typer.echo(f"{done.journal} is repaired: {done.records:,} records; the damaged file is {done.original}")
    typer.echo(f"Lost: {f'{holes.count(done.lost):,} records, {holes.words(done.lost)}' if done.lost else 'no record'}")
    if done.recovered:
        typer.echo(f"Written again from the tables: {done.recovered:,} records")
    for note in done.notes:
        typer.echo(f"Note: {note}")
    if done.kill_switch:
        typer.echo(f"The kill switch is thrown: {done.kill_switch}")


@app.command(epilog="Example: ml4t-live journal rotate --state-dir state/momentum --keep 50000")
def rotate(
    state_dir: options.StateDir = None, keep: Keep = KEEP, mode: options.Mode = None, as_json: options.Json = False
) -> None:
    """Move old records into an archive, journal-DATE.sqlite3, beside the journal.

    Open orders and forecasts, the latest values, the kill switch and the identities of all fills stay.
    """
    done = rotate_journal(find_state(state_dir, mode), SystemClock(), keep=keep)
    if as_json:
        output.data({"archive": done.archive and str(done.archive), "moved": done.moved, "kept": done.kept})
    elif done.archive is None:
        typer.echo(f"there is nothing to move: {done.kept:,} records")
    else:
        typer.echo(f"{done.moved:,} records moved to {done.archive}; {done.kept:,} are left")


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


def _run_row(line: dict[str, Any]) -> tuple[str, ...]:
    machine = (str(line["manifest"].get(key, NOTHING)) for key in ("ml4t_live", "python", "host"))
    ended = line["ended"] or "it has not said"
    return str(line["run"]), line["began"] or NOTHING, *machine, ended, "; ".join(line["changes"]) or NOTHING
