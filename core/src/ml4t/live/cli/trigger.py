"""`trigger`: fires a trigger of a run that is on."""

from __future__ import annotations

import getpass
import threading
from typing import Annotated, Any

import typer
from attrs import evolve

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Failed, Refused
from ml4t.live.cli.state import find_state, running_process
from ml4t.live.clock import SystemClock
from ml4t.live.engine.by_hand import ByHand, TriggerFolder
from ml4t.live.journal import RecordKind, StateDir
from ml4t.live.report import ReportReader
from ml4t.live.times import NANOS

app = typer.Typer(add_completion=False)

LOOK_SECONDS = 0.05
LATELY = 50


@app.command(epilog='Example: ml4t-live trigger rebalance --state-dir state/momentum --reason "the index has changed"')
def trigger(
    name: Annotated[str, typer.Argument(help="The name of the trigger in the configuration.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why. It goes into the journal.")],
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="Who decides it. Without it: the user of this computer.")
    ] = None,
    symbol: Annotated[str, typer.Option("--symbol", metavar="SYMBOL", help="Only for this symbol.")] = "",
    state_dir: options.StateDir = None,
    mode: options.Mode = None,
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait for the running process.")
    ] = 10.0,
    as_json: options.Json = False,
) -> None:
    """Fire a trigger of a running process, of any kind; its forecasters are asked. Refused when no process is on."""
    if not reason.strip():
        raise Refused("--reason is empty; say why, it goes into the journal")
    state = find_state(state_dir, mode)
    if running_process(state) is None:
        raise Refused(f"no process runs on {state.path}, and a trigger fires in one; start it with: ml4t-live run CONFIG")
    folder = TriggerFolder(state)
    command = ByHand(trigger=name, symbol=symbol, reason=reason, by=(by or getpass.getuser()).strip(), via="cli")
    command = evolve(command, file=folder.leave(command))
    body = _wait_for_answer(state, command.file, wait)
    if as_json:
        output.data({"trigger": name, "symbol": symbol, "outcome": "waiting"} | (body or {}))
    if body is None:
        raise Failed(f"the process has not fired within {wait:g} s; the command stays in {folder.path / command.file}")
    if body["outcome"] == "refused":
        raise Refused(body["why"])
    if body["outcome"] != "fired":
        raise Failed(f"{name} did not fire: {body['why']}")
    if not as_json:
        typer.echo(f"{name} has fired{f' for {symbol}' if symbol else ''}.")


def _wait_for_answer(state: StateDir, file: str, wait: float) -> dict[str, Any] | None:
    clock, never = SystemClock(), threading.Event()
    begin = clock.monotonic()
    while True:
        with ReportReader(state.journal, mode=state.mode) as journal:
            records = journal.newest(RecordKind.BY_HAND, limit=LATELY)
        body = next((record.body for record in reversed(records) if record.body.get("file") == file), None)
        if body is not None or (clock.monotonic() - begin) / NANOS >= wait:
            return body
        clock.wait(never, LOOK_SECONDS)
