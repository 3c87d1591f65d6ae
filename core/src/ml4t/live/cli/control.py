"""`kill`, `resume` and `flatten`: what can be told a run from outside, while it is on or while it is not."""

from __future__ import annotations

import getpass
import threading
from pathlib import Path
from typing import Annotated, Any

import typer
from attrs import evolve, frozen

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Failed, Refused
from ml4t.live.cli.state import find_state, running_process
from ml4t.live.clock import Clock, DataClock, SystemClock
from ml4t.live.config.problem import did_you_mean
from ml4t.live.engine.control import APPLIED, BY_HAND, Action, Command, ControlFolder, carry_out
from ml4t.live.errors import StateLocked
from ml4t.live.journal import Journal, RecordKind, StateDir
from ml4t.live.report import ReportReader
from ml4t.live.risk.switch import Switch, scope_of
from ml4t.live.times import NANOS

kill_app = typer.Typer(add_completion=False)
resume_app = typer.Typer(add_completion=False)
flatten_app = typer.Typer(add_completion=False)

LOOK_SECONDS = 0.05
"""How often the journal is looked at for an answer."""
LATELY = 50
"""Commands among which an answer is looked for."""

Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why. It goes into the journal.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides it. Without it: the user of this computer.")]
Named = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides it: somebody answers for it.")]
Symbol = Annotated[str, typer.Option("--symbol", metavar="SYMBOL", help="Only this symbol.")]
Strategy = Annotated[
    str, typer.Option("--strategy", metavar="NAME", help="Only the orders of this strategy, by its class's name.")
]
Wait = Annotated[float, typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait for a running process.")]


@kill_app.command(epilog='Example: ml4t-live kill --state-dir state/momentum --flatten --reason "it buys nonsense"')
def kill(
    reason: Reason,
    flatten: Annotated[bool, typer.Option("--flatten", help="Close every position too.")] = False,
    by: By = None,
    symbol: Symbol = "",
    strategy: Strategy = "",
    state_dir: options.StateDir = None,
    mode: options.Mode = None,
    wait: Wait = 10.0,
    as_json: options.Json = False,
) -> None:
    """Stop all orders: nothing is sent, working orders are withdrawn. It holds over restarts, until somebody resumes.

    A running process is told through its state directory. When none is on, the next start is killed.
    """
    command = _command("kill", reason, by or _user(), _scope(symbol, strategy), flatten=flatten)
    _give(command, state_dir, mode, wait, as_json=as_json)


@resume_app.command(epilog='Example: ml4t-live resume --state-dir state/momentum --by ann --reason "the feed is right again"')
def resume(
    by: Named,
    reason: Reason,
    symbol: Symbol = "",
    strategy: Strategy = "",
    state_dir: options.StateDir = None,
    mode: options.Mode = None,
    wait: Wait = 10.0,
    as_json: options.Json = False,
) -> None:
    """Allow orders again after a kill of the same scope, and end a flattening that somebody asked for.

    Without a scope a broken loss limit ends as well, and is reckoned anew.
    """
    command = _command("resume", reason, by, _scope(symbol, strategy))
    _give(command, state_dir, mode, wait, as_json=as_json)


@flatten_app.command(epilog='Example: ml4t-live flatten --state-dir state/momentum --reason "over the holidays"')
def flatten(
    reason: Reason,
    by: By = None,
    symbol: Symbol = "",
    state_dir: options.StateDir = None,
    mode: options.Mode = None,
    wait: Wait = 10.0,
    as_json: options.Json = False,
) -> None:
    """Cancel every order and close every position, again until the venue confirms it; also while killed.

    The strategy goes on meanwhile and afterwards: kill --flatten stops it too. When no process is on, the next start does it.
    """
    command = _command("flatten", reason, by or _user(), _scope(symbol, ""))
    _give(command, state_dir, mode, wait, as_json=as_json)


@frozen
class _Answer:
    """What became of a command: the process that obeyed it, None when it was written into the journal here."""

    process: int | None
    body: dict[str, Any]
    seconds: float


def _give(command: Command, state_dir: Path | None, mode: str | None, wait: float, *, as_json: bool) -> None:
    if not command.reason.strip():
        raise Refused("--reason is empty; say why, it goes into the journal")
    state = find_state(state_dir, mode)
    command = evolve(command, file=ControlFolder(state).leave(command))
    answer = _wait_for_answer(state, command.file, wait)
    if as_json:
        output.data(_as_json(command, state, answer))
    if answer is not None:
        if not as_json:
            typer.echo(_sentence(command, answer) + _unheard_of(state, command.symbol))
        return
    file = ControlFolder(state).path / command.file
    raise Failed(
        f"process {running_process(state)} has not obeyed within {wait:g} s. The command stays in {file} and is obeyed as soon "
        f"as the run looks, or by the next start; if it hangs, end the process"
    )


def _unheard_of(state: StateDir, symbol: str) -> str:
    """Return a warning when nothing here has ever traded or forecast a symbol: it may be misspelt."""
    with ReportReader(state.journal, mode=state.mode) as journal:
        known = journal.symbols()
    if not symbol or symbol in known:
        return ""
    near = did_you_mean(symbol, known)
    return f" Nothing here has ordered or forecast {symbol} so far{near or '.'}"


def _wait_for_answer(state: StateDir, file: str, wait: float) -> _Answer | None:
    clock, never = SystemClock(), threading.Event()
    begin = clock.monotonic()
    while True:
        process = running_process(state)
        body = _answered(state, file)
        if body is None and process is None:
            body = _settle(state, file)
        seconds = (clock.monotonic() - begin) / NANOS
        if body is not None:
            return _Answer(process, body, seconds)
        if seconds >= wait:
            return None
        clock.wait(never, LOOK_SECONDS)


def _answered(state: StateDir, file: str) -> dict[str, Any] | None:
    """Return the record of a command, None while the journal has none."""
    with ReportReader(state.journal, mode=state.mode) as journal:
        records = journal.newest(RecordKind.KILL_SWITCH, limit=LATELY)
    return next((record.body for record in reversed(records) if record.body.get("file") == file), None)


def _settle(state: StateDir, file: str) -> dict[str, Any] | None:
    """Write what waits in the folder into the journal of a run that is not on; return the record of `file`.

    None when somebody else was faster.
    """
    try:
        lock = state.lock()
    except StateLocked:
        return None
    told: dict[str, dict[str, Any]] = {}
    with lock:
        folder, clock = ControlFolder(state), _clock(state)
        with Journal(state.journal, clock, mode=state.mode) as journal:
            switch, applied = Switch(), journal.state(APPLIED)
            if (known := journal.state("risk").get("kill_switch")) is not None:
                switch.restore(known)
            waiting = folder.waiting()
            for command in waiting:
                if command.file not in applied:
                    told[command.file], changes = carry_out(command, switch, clock.now())
                    journal.append(RecordKind.KILL_SWITCH, command.scope or "all", told[command.file], state=changes)
            journal.flush()
            for command in waiting:
                folder.remove(command.file)
                if command.file != BY_HAND:
                    journal.put(APPLIED, command.file, None)
    return told.get(file)


def _clock(state: StateDir) -> Clock:
    """Return the clock of a run that is not on: that of its data when they are recorded ones."""
    with ReportReader(state.journal, mode=state.mode) as journal:
        if not journal.manifest().get("recorded_data"):
            return SystemClock()
        clock = DataClock()
        clock.advance(journal.span()[1])
        return clock


def _as_json(command: Command, state: StateDir, answer: _Answer | None) -> dict[str, Any]:
    return {
        "action": command.action,
        "reason": command.reason,
        "by": command.by,
        "flatten": command.empties,
        "scope": command.scope,
        "state_dir": str(state.root),
        "mode": state.mode,
        "obeyed": answer is not None,
        "pid": answer.process if answer is not None else running_process(state),
        "seconds": round(answer.seconds, 3) if answer is not None else None,
        "changed": answer.body["changed"] if answer is not None else None,
        "kill_switch_on": answer.body["on"] if answer is not None else None,
    }


def _sentence(command: Command, answer: _Answer) -> str:
    of_it = " of it" if command.scope else ""
    on = f"ON: nothing{of_it} is sent" if answer.body["on"] else "off: orders may be sent"
    what = f"The kill switch of {command.scope}" if command.scope else "The kill switch"
    stays = "" if answer.body["changed"] or command.action == "flatten" else ", as it was"
    said = f"{what} is {on}{stays}."
    account = f"the position in {command.symbol}" if command.symbol else "the account"
    if answer.process is None:
        emptied = f" The next start empties {account}." if command.empties else ""
        return f"{said} No process is on; it is in the journal, and the next start obeys it.{emptied}"
    emptied = f" {account[0].upper()}{account[1:]} is being emptied; ml4t-live status shows how far." if command.empties else ""
    return f"{said} Process {answer.process} obeyed within {answer.seconds:.1f} s.{emptied}"


def _command(action: Action, reason: str, by: str, scope: str, *, flatten: bool = False) -> Command:
    if not by.strip():
        raise Refused("--by is empty; name the person who decides it")
    try:
        return Command(action=action, reason=reason, by=by.strip(), via="cli", flatten=flatten, scope=scope)
    except ValueError as error:
        raise Refused(str(error)) from error


def _scope(symbol: str, strategy: str) -> str:
    try:
        return scope_of(symbol, strategy)
    except ValueError as error:
        raise Refused(str(error)) from error


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user, or no way to ask
        return "unknown"
