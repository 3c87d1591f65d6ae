"""`report`: a whole session as tables, and as a page with charts in one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Refused
from ml4t.live.cli.state import find_state, running_process
from ml4t.live.clock import SystemClock
from ml4t.live.journal import StateDir
from ml4t.live.plugins.known import resolve_public_name
from ml4t.live.private_file import write_private
from ml4t.live.report.session import SessionReport, read_session
from ml4t.live.report.whole import WholeReader

if TYPE_CHECKING:
    from collections.abc import Callable

app = typer.Typer(add_completion=False)

PAGE = "report_page"
"""The public name of what makes a page of a session; a plugin has it, because drawing takes large libraries."""

Output = Annotated[
    Path | None,
    typer.Option("--output", metavar="FILE", help="The page to write. Without it: report.html beside the journal."),
]

Everything = Annotated[
    bool, typer.Option("--all", help="Print every table of the page: forecasts by symbol, trigger and month too.")
]


@app.command(epilog="Example: ml4t-live report --state-dir state/momentum --output friday.html")
def report(
    state_dir: options.StateDir = None,
    output_file: Output = None,
    everything: Everything = False,
    mode: options.Mode = None,
    as_json: options.Json = False,
) -> None:
    """Report a session: trades, refusals, triggers, forecasts, their calibration, and the health of its parts.

    The tables are printed, and written with charts into one HTML file that needs no network and no script. It may be asked
    while a run is on. What a rotation of the journal has moved into archives is part of it.
    """
    state = find_state(state_dir, mode)
    session = read(state)
    page = write_page(state, session, output_file)
    if as_json:
        output.data(_as_dict(session) | {"page": None if page is None else str(page)})
        return
    _show(session, everything=everything)
    say_where(page)


def read(state: StateDir) -> SessionReport:
    """Return the report of a state directory. Raises JournalError when its journal cannot be read."""
    with WholeReader(state.journal, mode=state.mode) as journal:
        if journal.left_out:
            output.say(f"(left out are the {len(journal.left_out)} oldest archives, up to {journal.left_out[-1].name})")
        return read_session(journal, made_at=SystemClock().now(), running=running_process(state) is not None)


def write_page(state: StateDir, session: SessionReport, path: Path | None) -> Path | None:
    """Write the page to `path`, or beside the journal, and return where it is; None when nothing here can make one.

    Raises Refused when a page was asked for by name and cannot be made or written.
    """
    make = _page_maker(wanted=path is not None)
    if make is None:
        return None
    path = path or state.path / "report.html"
    try:
        write_private(path, make(session))
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error}; name another file with --output") from error
    return path


def say_where(page: Path | None) -> None:
    """Print where the page is, when there is one."""
    if page is not None:
        typer.echo(f"Report:          {page}")


def _page_maker(*, wanted: bool) -> Callable[[SessionReport], str] | None:
    try:
        maker: Any = resolve_public_name(PAGE)
    except ImportError as error:
        if wanted:
            raise Refused(str(error)) from error
        output.say(str(error))
        return None
    return maker  # type: ignore[no-any-return]


def _show(session: SessionReport, *, everything: bool) -> None:
    from ml4t.live.report.render import head  # noqa: PLC0415 - rich is loaded when something is drawn

    output.show(head(session.summary))
    for section in session.sections:
        output.show("", output.heading(section.title))
        output.draw(*section.tables, *(section.folded if everything else ()))
    typer.echo()


def _as_dict(session: SessionReport) -> dict[str, Any]:
    return session.summary.as_dict() | {
        "running": session.running,
        "calibration": [attrs.asdict(each) | {"horizon": each.horizon / 1e9} for each in session.calibrations],
        "outcomes": [attrs.asdict(each) | {"horizon": each.horizon / 1e9} for each in session.outcomes],
        "timeline": [attrs.asdict(each) for each in session.lanes],
    }
