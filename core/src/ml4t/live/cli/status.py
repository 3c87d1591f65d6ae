"""`status`: how a run stands, while it is on or after it stopped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import attrs
import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Failed
from ml4t.live.cli.state import find_state, running_process
from ml4t.live.cli.weights import weight_lines, weight_table
from ml4t.live.clock import SystemClock
from ml4t.live.engine.weights import BUCKET
from ml4t.live.health import Level
from ml4t.live.health.heartbeat import Heartbeat, read_heartbeat, verdict
from ml4t.live.journal import StateDir
from ml4t.live.model import Position
from ml4t.live.orders.desk import position_lines
from ml4t.live.report import ReportReader
from ml4t.live.report.limits import limit_use
from ml4t.live.report.story import describe_order
from ml4t.live.report.summary import iso
from ml4t.live.report.tables.health import details
from ml4t.live.report.words import NOTHING, bar, money, percent, price, quantity
from ml4t.live.times import NANOS

app = typer.Typer(add_completion=False)

MINUTE = 60 * NANOS

Running = Annotated[bool, typer.Option("--running", help="Fail also when no process runs, as a monitor wants it.")]


@app.command(epilog="Example: ml4t-live status --state-dir state/momentum")
def status(
    state_dir: options.StateDir = None, mode: options.Mode = None, running: Running = False, as_json: options.Json = False
) -> None:
    """Show health, positions, equity, open orders, limits and the kill switch, while a run is on or after it stopped.

    Exit code 1 when the run is down, hangs, has failed, or has ended without saying so: what a monitor or cron looks at.
    """
    state = find_state(state_dir, mode)
    pid, beat, now = running_process(state), read_heartbeat(state.heartbeat), SystemClock().now()
    level, why = verdict(beat, pid, now)
    with ReportReader(state.journal, mode=state.mode) as journal:
        answer = _answer(journal, state, pid) | _health(beat, level, why, now)
    if as_json:
        output.data(answer)
    else:
        _show(answer)
    if level is Level.DOWN:
        raise Failed(why)
    if running and pid is None:
        raise Failed(f"no process runs on {state.path}")


def _health(beat: Heartbeat | None, level: Level, why: str, now: int) -> dict[str, Any]:
    """Return how the run is, and of one that has not ended every part of it."""
    parts = [] if beat is None or beat.ended else beat.parts
    return {
        "health": {
            "state": level.value,
            "why": why,
            "heartbeat_age_seconds": None if beat is None else round(beat.age(now), 1),
        },
        "parts": [{"part": p.part, "state": p.state.value, "since": iso(p.since), "why": p.why, **p.numbers} for p in parts],
    }


def _answer(journal: ReportReader, state: StateDir, pid: int | None) -> dict[str, Any]:
    manifest, risk = journal.manifest(), journal.state("risk")
    positions = position_lines(journal.state("position"))
    account = journal.state("account")
    worth = _worth(journal, account)
    positions = {symbol: _marked(position, worth["marks"]) for symbol, position in positions.items()}
    cash = account.get("books", {}).get("cash", worth["cash"])
    value = sum(position.market_value for position in positions.values())
    equity = worth["equity"] if worth["at"] else None if cash is None else cash + value
    open_orders = journal.orders(open_only=True)
    last_event = journal.span()[1]
    recorded = manifest.get("recorded_data", False)
    now = last_event if pid is None or recorded else SystemClock().now()
    lately = journal.intents_since(now - MINUTE)
    switch = {"on": False, "reason": "", "by": "", "at": 0, "via": ""} | risk.get("kill_switch", {})
    return {
        "name": manifest.get("name", ""),
        "mode": state.mode,
        "state_dir": str(state.root),
        "running": pid is not None,
        "pid": pid,
        "last_event": iso(last_event),
        "cash": cash,
        "equity": equity,
        "equity_at": iso(worth["at"]) if worth["at"] else None,
        "positions": [attrs.asdict(position) for position in positions.values()],
        "open_orders": [
            attrs.asdict(order) | {"text": describe_order(order), "created_at": iso(order.created_at)} for order in open_orders
        ],
        "kill_switch": switch | {"since": iso(switch["at"])},
        "flattening": risk.get("flatten"),
        "flattening_symbols": journal.state("flatten"),
        "limits": limit_use(
            manifest.get("limits", {}),
            risk.get("losses", {}),
            positions.values(),
            len(open_orders),
            lately,
            equity,
            risk.get("tallies"),
        ),
        "breached": risk.get("losses", {}).get("breached", ""),
        "changes": manifest.get("changes", []),
        "weights": weight_lines(journal.state(BUCKET)),
        "events": [{"part": r.subject, "time": iso(r.time), **r.body} for r in journal.health()],
        "records": journal.counts(),
    }


def _worth(journal: ReportReader, account: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the account was worth when that was noted last, while it runs or at the start of a day."""
    latest: dict[str, Any] = {"at": 0, "cash": None, "equity": None, "marks": {}}
    noted = journal.last("equity")
    if noted is not None:
        latest |= {"at": noted.time, **noted.body}
    beside = account.get("worth", latest)
    return beside if beside["at"] >= latest["at"] else latest


def _marked(position: Position, marks: Mapping[str, float]) -> Position:
    return attrs.evolve(position, mark=marks.get(position.symbol, position.mark))


def _show(answer: Mapping[str, Any]) -> None:
    running = f"running (process {answer['pid']})" if answer["running"] else "not running"
    typer.echo(f"{answer['name'] or 'run'} · {answer['mode']} mode · {running} · last event {answer['last_event'] or NOTHING}")
    typer.echo(f"Health: {answer['health']['state']} ({answer['health']['why']})")
    typer.echo(
        f"Cash {money(answer['cash'])}   equity {money(answer['equity'])} ({answer['equity_at'] or 'at the last fills'})"
    )
    typer.echo(_switch(answer["kill_switch"]))
    for scope, stopped in answer["kill_switch"].get("scopes", {}).items():
        typer.echo(f"Stopped: {scope}, by {stopped['by']} ({stopped['via']}) at {iso(stopped['at'])}: {stopped['reason']}")
    if answer["flattening"]:
        typer.echo(f"Emptying the account for {answer['flattening']['by']}: {answer['flattening']['reason']}")
    for symbol, wanted in answer["flattening_symbols"].items():
        typer.echo(f"Emptying the position in {symbol} for {wanted['by']}: {wanted['reason']}")
    if answer["breached"]:
        typer.echo(f"Loss limit broken: {answer['breached']}")
    for change in answer["changes"]:
        typer.echo(f"Not as in the run before: {change}")
    output.show(*_tables(answer))


def _switch(switch: Mapping[str, Any]) -> str:
    when = f" at {switch['since']}" if switch["since"] else ""
    way = f" ({switch['via']})" if switch["via"] else ""
    if switch["on"]:
        return f"Kill switch: ON, nothing is sent. Thrown by {switch['by']}{way}{when}: {switch['reason']}"
    return (
        f"Kill switch: off, re-armed by {switch['by']}{way}{when}: {switch['reason']}" if switch["by"] else "Kill switch: off"
    )


def _tables(answer: Mapping[str, Any]) -> list[Any]:
    tables = [
        output.table(
            "Positions" if answer["positions"] else "Positions: none",
            ("symbol", "quantity", "average", "mark", "realised P&L"),
            (_position(line) for line in answer["positions"]),
            numbers="quantity average mark realised_P&L",
        ),
        output.table(
            "Open orders" if answer["open_orders"] else "Open orders: none",
            ("since", "order", "what", "state"),
            ((o["created_at"] or NOTHING, o["order_id"], o["text"], str(o["state"].value)) for o in answer["open_orders"]),
        ),
        output.table(
            "Limits",
            ("limit", "now", "at most", "used", ""),
            (_limit(line) for line in answer["limits"]),
            numbers="now at_most used",
        ),
    ]
    if answer["weights"]:
        tables.append(weight_table(answer["weights"]))
    if answer["parts"]:
        rows = ((part["part"], part["state"], part["since"] or NOTHING, _details(part)) for part in answer["parts"])
        tables.append(output.table("Parts", ("part", "state", "since", ""), rows))
    if answer["events"]:
        events = ((h["part"], h["time"] or NOTHING, h.get("state", ""), _details(h)) for h in answer["events"])
        tables.append(output.table("What happened last to each part", ("part", "time", "what", ""), events))
    return tables


def _position(line: Mapping[str, Any]) -> tuple[str, ...]:
    average, mark = price(line["average_price"]), price(line["mark"])
    return line["symbol"], quantity(line["quantity"]), average, mark, money(line["realised_pnl"])


def _limit(line: Mapping[str, Any]) -> tuple[str, ...]:
    used = line["used"]
    return line["limit"], _amount(line, "value"), _amount(line, "at_most"), percent(used, 0), bar(used)


def _amount(line: Mapping[str, Any], key: str) -> str:
    return percent(line[key], 1) if line["limit"].endswith("_pct") else money(line[key])


def _details(line: Mapping[str, Any]) -> str:
    return details({key: value for key, value in line.items() if key not in {"part", "time", "since"}})
