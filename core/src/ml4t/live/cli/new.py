"""`new`: a plugin of one's own, to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from ml4t.live.cli.exits import Refused
from ml4t.live.plugins import Catalogue
from ml4t.live.plugins.known import KNOWN, resolve_public_name

app = typer.Typer(add_completion=False)

WRITE = "write_plugin"
"""The public name of what writes a plugin; a plugin has it."""

Kind = Annotated[str, typer.Argument(metavar="KIND", help="feed, broker, risk-check, trigger, forecaster or observer.")]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="What a configuration will call it; ml4t-live-NAME is what will be installed.")
]
Into = Annotated[Path, typer.Option("--into", metavar="DIR", help="Where its folder is made; without it, here.")]


@app.command(epilog="Example: ml4t-live new risk-check last-minutes")
def new(kind: Kind, name: Name, into: Into = Path()) -> None:
    """Write a plugin of your own: a distribution that installs, works, and is tried by the conformance kit.

    The folder NAME has a small part of that kind that works, its options, its tests, a README and what CI needs; the part is
    yours to change. No file is ever written over. It needs ml4t-live-template.
    """
    try:
        write: Any = resolve_public_name(WRITE)
    except ImportError as error:
        raise Refused(str(error)) from error
    taken = {*KNOWN, *(entry.name for entry in Catalogue.discover().plugins())}
    try:
        written = write(kind, name, into, taken=taken)
    except (ValueError, OSError) as error:
        raise Refused(_why(error, into / name)) from error
    typer.echo(_told(written, name))


def _why(error: ValueError | OSError, folder: Path) -> str:
    """Return why nothing could be written, and what to do instead."""
    if isinstance(error, FileExistsError):
        there = f"{error.filename} is there already, and nothing is written over"
        return f"{there}: find another name, or name another folder with --into"
    if isinstance(error, OSError):
        return f"{error.filename or folder} cannot be written ({error.strerror}); name another folder with --into"
    return str(error)


def _told(written: Any, name: str) -> str:
    """Return what there is now, and the commands that come next."""
    return "\n".join(
        [
            f"{written.folder} has {len(written.files)} files; the part that is yours to change is",
            f"  {written.component}",
            "Next:",
            f'  cd {shlex.quote(str(written.folder))} && python -m pip install -e ".[dev]"',
            "  python -m pytest",
            f"  ml4t-live doctor {name} --conformance",
        ]
    )
