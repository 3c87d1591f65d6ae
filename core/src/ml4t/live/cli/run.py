"""`run`: compose what a configuration says, run it, and say what came of it."""

from __future__ import annotations

import asyncio
import faulthandler
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Annotated

import structlog
import typer

from ml4t.live import logs
from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Halted, Refused
from ml4t.live.composer import compose
from ml4t.live.engine.engine import Engine
from ml4t.live.errors import JournalError, LiveError
from ml4t.live.journal import StateDir
from ml4t.live.report import ReportReader, summarise

app = typer.Typer(add_completion=False)

SHOWN = 5
"""Limits that are named when they are switched off."""

_log = structlog.get_logger("ml4t.live")

Simulate = Annotated[
    bool, typer.Option("--simulate", help="Run against the simulators of the plugins: no account, and nothing else is reached.")
]


@app.command(epilog="Example: ml4t-live run live.toml --overlay paper.toml --set risk.max_order_value=5000")
def run(
    config: options.Config,
    overlay: options.Overlays = None,
    assign: options.Assignments = None,
    state_dir: options.RunStateDir = None,
    simulate: Simulate = False,
    as_json: options.Json = False,
    log_level: options.Level = "info",
) -> None:
    """Run a configuration until its data end or you stop it.

    Ctrl-C (or SIGTERM) stops in order: orders and fills are on disk, and the same command continues where it stopped. A second
    Ctrl-C ends the process at once. At the end you see what was traded and why, and what each risk check refused.

    With --simulate the simulator of each vendor that the configuration names is started, whatever the mode, and the process
    can reach nothing else. Every such run begins with new books in a state directory of its own.
    """
    with output.other_peoples_code(as_json=as_json):
        failure, state = run_config(config, overlay or [], assign or [], state_dir, log_level, simulate=simulate)
    if state is not None:
        print_summary(state, as_json=as_json)
    if failure is not None:
        raise failure


def run_config(
    config: Path, overlays: list[Path], assignments: list[str], state_dir: Path | None, level: str, *, simulate: bool = False
) -> tuple[LiveError | None, StateDir | None]:
    """Run a configuration; return what ended it, None when that was no failure, and where its journal is.

    Raises LiveError when it was not started: the state directory is as it was.
    """
    if level not in logs.LEVELS:
        raise Refused(f"--log-level {level}: there is no such level; write {', '.join(logs.LEVELS)}")
    made = _simulated if simulate else _composed
    _show_stacks()
    with logs.to_terminal(level) as log, made(config, overlays, assignments, state_dir) as engine:
        off = engine.parts.limits.disabled()
        if off:
            more = f" and {len(off) - SHOWN} more: ml4t-live config check --limits" if len(off) > SHOWN else ""
            _log.warning("limits that are switched off", limits=", ".join(off[:SHOWN]) + more)
        return asyncio.run(_run(engine, log)), engine.state_folder


def print_summary(state: StateDir, *, as_json: bool) -> None:
    """Print what the journal tells, and where to ask further; that there is nothing to tell when a run had not begun."""
    places = {"state_dir": str(state.root), "log": str(state.log)}
    if not state.journal.exists():
        output.data(places) if as_json else typer.echo(f"Stopped before it began; nothing was written in {state.root}")
        return
    with ReportReader(state.journal, mode=state.mode) as journal:
        summary = summarise(journal)
    if as_json:
        output.data(summary.as_dict() | places)
        return
    from ml4t.live.report.render import render  # noqa: PLC0415 - rich is loaded when something is drawn

    example = summary.latest[-1].order_id if summary.latest else "ORDER_ID"
    output.show(render(summary), "")
    typer.echo(f"State directory: {state.root}   (log: {state.log})")
    typer.echo(f"Why an order:    ml4t-live why {example} --state-dir {state.root}")


def _show_stacks() -> None:
    """Let a signal that kills, such as a service manager's watchdog sends, write the stacks of all threads to stderr first."""
    if not faulthandler.is_enabled() and sys.__stderr__ is not None:
        with suppress(OSError, ValueError):  # it is closed, or no file
            faulthandler.enable(sys.__stderr__)


@contextmanager
def _composed(config: Path, overlays: list[Path], assignments: list[str], state_dir: Path | None) -> Iterator[Engine]:
    with _fitting(config):
        engine = compose(config, overlays=overlays, assignments=assignments, state_dir=state_dir)
    yield engine


@contextmanager
def _simulated(config: Path, overlays: list[Path], assignments: list[str], state_dir: Path | None) -> Iterator[Engine]:
    from ml4t.live.simulation import simulated  # noqa: PLC0415 - only with --simulate

    with ExitStack() as stack:
        with _fitting(config):
            made = stack.enter_context(simulated(config, overlays=overlays, assignments=assignments, state_dir=state_dir))
        where = [f"{name} at {each.address[0]}:{each.address[1]}" for name, each in made.simulators.items()]
        _log.warning(
            "simulated: no account is used, and nothing but the simulators is reached", simulators=", ".join(where) or "none"
        )
        yield made.engine


@contextmanager
def _fitting(config: Path) -> Iterator[None]:
    """Raise Refused for parts that do not fit together, such as paper mode without a broker."""
    try:
        yield
    except ValueError as error:
        raise Refused(f"{config}: {error}") from error


async def _run(engine: Engine, log: logs.Logs) -> LiveError | None:
    with engine.in_charge():
        await _connect(engine)
        log.to_file(engine.state_folder.log)
        _log.info("running", name=engine.parts.name, mode=engine.parts.mode, state_dir=str(engine.state_folder.root))
        return await _serve(engine)


async def _serve(engine: Engine) -> LiveError | None:
    try:
        await engine.serve()
    except Exception as error:  # noqa: BLE001 - a strategy, or whatever else halts a run, may raise anything
        _log.error("the run failed", exc_info=True)
        text = f"{type(error).__name__}: {error}. The traceback is in {engine.state_folder.log}"
        if engine.halted:
            return Halted(f"{engine.halted} has ended the run: {text}")
        return error if isinstance(error, LiveError) else RunFailed(f"the run failed: {text}")
    _log.info("stopped")
    return None


async def _connect(engine: Engine) -> None:
    """Take the state directory and connect. Raises Refused for what was never begun."""
    try:
        await engine.connect()
    except (JournalError, ValueError) as error:  # a journal of another mode or program; live orders on recorded data
        raise Refused(str(error)) from error


class RunFailed(LiveError):
    """The run was begun, and ended by something else than its data or a stop."""
