"""The options that several commands share, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[Path, typer.Argument(metavar="CONFIG", help="The configuration, a TOML file.")]
Overlays = Annotated[
    list[Path] | None,
    typer.Option("--overlay", metavar="FILE", help="A second file merged over the first one. May be repeated."),
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One value, as in risk.max_order_value=5000. May be repeated."),
]
LockedBy = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="CONFIG",
        help="Take the lock that this configuration names; without it, ml4t-live.lock in this folder.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else there.")]
RunStateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir", metavar="DIR", help="Where the journal and the log go, instead of the configuration's state_dir."
    ),
]
StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        metavar="DIR",
        help="The state directory of the run, or its configuration. Without it: the only one below ./state.",
    ),
]
Mode = Annotated[
    str | None,
    typer.Option("--mode", metavar="MODE", help="shadow, paper or live, when the state directory has several."),
]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest.")]
Level = Annotated[str, typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error.")]
