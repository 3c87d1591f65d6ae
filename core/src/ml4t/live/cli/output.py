"""What goes to the terminal: data on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import typer

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

WIDTH = 140
"""Width of tables that no terminal limits: in a file, or in the log of a build."""


def data(value: Any) -> None:
    """Print a value as JSON on stdout: keys in the order given, no NaN, indented."""
    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2)
    typer.echo(text.decode())


def show(*renderables: RenderableType) -> None:
    """Print tables and texts on stdout."""
    console = terminal()
    for renderable in renderables:
        console.print(renderable)


def say(text: str) -> None:
    """Print a sentence on stderr."""
    typer.echo(text, err=True)


def terminal() -> Console:
    """Return a console on stdout that takes text as it is: brackets in a reason are brackets."""
    from rich.console import Console  # noqa: PLC0415 - an eighth of a second, and --json does without

    return Console(markup=False, emoji=False, highlight=False, width=_width(), soft_wrap=False)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]], *, numbers: str = "") -> RenderableType:
    """Return a table; the columns named in `numbers` are aligned to the right."""
    from ml4t.live.report.grid import grid  # noqa: PLC0415 - as above

    made = grid(title, *columns, numbers=numbers)
    for row in rows:
        made.add_row(*row)
    return made


@contextlib.contextmanager
def other_peoples_code(*, as_json: bool = True) -> Iterator[None]:
    """Send what plugins and strategies print to stderr, so that stdout stays JSON."""
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        yield


def _width() -> int | None:
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return None
    return shutil.get_terminal_size((WIDTH, 24)).columns
