"""`parity`: a recorded session again, and whether its strategy decides the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Failed, Refused
from ml4t.live.cli.state import find_state
from ml4t.live.config.assign import assign, parse_assignment
from ml4t.live.config.problem import Mistake
from ml4t.live.config.strategy import StrategySource
from ml4t.live.parity.session import NotReplayable, replay_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ml4t.live.parity.divergence import Divergence
    from ml4t.live.parity.session import RunParity, SessionParity

app = typer.Typer(add_completion=False)

Session = Annotated[
    Path,
    typer.Option("--session", metavar="DIR", help="The state directory of the session, or its configuration."),
]
Strategy = Annotated[
    str | None,
    typer.Option("--strategy", metavar="MODULE:CLASS", help="Another strategy than the session's own; looked for here first."),
]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="KEY=VALUE", help="An argument of that strategy's class. May be repeated."),
]
Partial = Annotated[bool, typer.Option("--partial", help="Replay what there is, instead of refusing a tape with a hole.")]


@app.command(epilog="Example: ml4t-live parity --session state/momentum")
def parity(
    session: Session,
    strategy: Strategy = None,
    option: Options = None,
    partial: Partial = False,
    mode: options.Mode = None,
    as_json: options.Json = False,
) -> None:
    """Replay a session that was recorded ([engine] record = true), and compare every decision of its strategy, byte for byte.

    Each run is replayed in a process of its own. The strategy is called with the data, the market and the answers of its
    broker as they were then; what it asks and what it orders has to be what it asked and ordered. Exit codes: 0 the same, 1
    not the same, 2 not to be replayed.
    """
    state = find_state(session, mode)
    try:
        found = replay_session(state, strategy=_source(strategy, option or []), partial=partial)
    except NotReplayable as error:
        raise Refused(str(error)) from error
    if as_json:
        output.data(_as_dict(found))
    else:
        typer.echo("\n".join(_sheet(found)))
    if not found.same:
        raise Failed


def _source(reference: str | None, texts: Sequence[str]) -> StrategySource | None:
    if reference is None:
        if texts:
            raise Refused("--option goes with --strategy; the session knows the arguments of its own strategy")
        return None
    table: dict[str, Any] = {}
    for text in texts:
        try:
            assign(table, *parse_assignment(text))
        except Mistake as error:
            raise Refused(f"--option {text.partition('=')[0]}: {error}") from error
    return StrategySource(reference, str(Path.cwd()), table)


def _sheet(found: SessionParity) -> Iterator[str]:
    for run in found.runs:
        yield from _lines(run)
    yield "PASS: every decision is the same" if found.same else "FAIL: the replay is not the session"


def _lines(run: RunParity) -> Iterator[str]:
    replay = run.replay
    if replay is None:
        yield f"run {run.number}: not replayed"
    else:
        same = "the same" if replay.divergence is None else "the same, and then not"
        yield f"run {run.number}: {replay.calls} calls, {replay.questions} questions, {replay.orders} orders: {same}"
    yield from (f"  ({note})" for note in run.notes)
    if replay is not None and replay.divergence is not None:
        yield from (f"  {line}" for line in _told(replay.divergence))


def _told(found: Divergence) -> Iterator[str]:
    when = f" on the data of {found.timestamp}" if found.timestamp else ""
    yield f"first difference: {found.what}" + (f", in call {found.call}, {found.hook}{when}" if found.call else "")
    yield f"  session: {found.session}"
    yield f"  replay:  {found.replay}"
    yield from (f"  before, both times: {line}" for line in found.before)
    yield from (f"  {symbol}: {values}" for symbol, values in found.data.items())


def _as_dict(found: SessionParity) -> dict[str, Any]:
    return {"same": found.same, "runs": [attrs.asdict(run) for run in found.runs]}
