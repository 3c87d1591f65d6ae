"""`doctor`: is the installation fit to trade, and is a plugin as it should be; and what mends it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import attrs
import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.examine import Finding, Level, environment, folder, lock, plugin, plugins
from ml4t.live.cli.exits import Failed, Refused
from ml4t.live.plugins import Catalogue

app = typer.Typer(add_completion=False)

Folder = Annotated[
    Path, typer.Option("--state-dir", metavar="DIR", help="The folder that runs will write to; without it, this one.")
]
Plugin = Annotated[str, typer.Argument(metavar="[PLUGIN]", help="Look at this plugin alone.", show_default=False)]
Conformance = Annotated[
    bool, typer.Option("--conformance", help="Put the plugin through the conformance kit: what fits its kinds of component.")
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="SCENARIO", help="With --conformance: this scenario alone; may be given several times."),
]


@app.command(epilog="Example: ml4t-live doctor --state-dir state/momentum; ml4t-live doctor trigger-time --conformance")
def doctor(
    name: Plugin = "",
    conformance: Conformance = False,
    only: Only = None,
    state_dir: Folder = Path(),
    config: options.LockedBy = None,
    as_json: options.Json = False,
) -> None:
    """Check the installation, and say how to mend it: versions, conflicting packages, the state directory, every plugin.

    Each plugin is loaded by itself, and every component and command of it is imported, so that a broken one hides nothing.
    Exit code 1 when something is broken.
    """
    if conformance:
        if not name:
            raise Refused("--conformance is for one plugin: name it, as in `ml4t-live doctor trigger-time --conformance`")
        from ml4t.live.cli.conformance import examine  # noqa: PLC0415 - the kit is not needed otherwise

        examine(name, only or (), as_json=as_json)
        return
    if only:
        raise Refused("--only is for a scenario of the kit: add --conformance and the name of a plugin")
    with output.other_peoples_code():
        catalogue = Catalogue.discover()
        if name:
            everything = [*plugin(catalogue.load(name))]
        else:
            everything = [*environment(), *folder(state_dir), *lock(config), *plugins(catalogue)]
    _tell(everything, as_json=as_json)


def _tell(findings: list[Finding], *, as_json: bool) -> None:
    broken = [each for each in findings if each.level is Level.BROKEN]
    if as_json:
        output.data({"ok": not broken, "checks": [attrs.asdict(each) for each in findings]})
    else:
        rows = ((_MARKS[each.level], each.name, _said(each)) for each in findings)
        output.show(output.table("", ("", "check", "finding"), rows))
    if broken:
        raise Failed(f"{len(broken)} of {len(findings)} checks found something broken: {', '.join(b.name for b in broken)}")


_MARKS = {Level.OK: "ok", Level.NOTE: "note", Level.BROKEN: "BROKEN"}


def _said(finding: Finding) -> str:
    return f"{finding.text}. {finding.remedy}" if finding.remedy else finding.text
