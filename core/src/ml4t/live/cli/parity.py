"""`parity`: the same strategy in both engines, or a recorded session again, and whether everything is the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Failed, Refused
from ml4t.live.cli.state import find_state
from ml4t.live.config import load
from ml4t.live.config.assign import assign, parse_assignment
from ml4t.live.config.problem import Mistake
from ml4t.live.config.strategy import StrategySource
from ml4t.live.parity.session import NotReplayable, replay_session
from ml4t.live.plugins import Catalogue
from ml4t.live.plugins.known import resolve_public_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ml4t.live.parity.divergence import Divergence
    from ml4t.live.parity.session import RunParity, SessionParity

app = typer.Typer(add_completion=False)

PROVE = "prove_parity"
"""The public name of what runs a strategy in the engine of its backtest too; a plugin has it."""

Session = Annotated[
    Path | None,
    typer.Option("--session", metavar="DIR", help="The state directory of the session, or its configuration."),
]
Strategy = Annotated[
    str | None,
    typer.Argument(
        metavar="[STRATEGY]",
        help="FILE.py:Class or module:Class: the strategy of --data; with --session another than the session's own.",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="Bars to run in both engines, CSV or Parquet: timestamp, asset, open, high, low, close, volume.",
    ),
]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="YAML", help="With --data: the configuration of the backtest.")
]
Preset = Annotated[
    str, typer.Option("--preset", metavar="NAME", help="With --data and no --config: a profile of the backtest.")
]
Signals = Annotated[Path | None, typer.Option("--signals", metavar="FILE", help="With --data: the signals of the backtest.")]
Context = Annotated[Path | None, typer.Option("--context", metavar="FILE", help="With --data: the context of the backtest.")]
Limits = Annotated[
    Path | None,
    typer.Option("--limits", metavar="CONFIG", help="With --data: take the limits of this configuration. Without it: none."),
]
Options = Annotated[
    list[str] | None,
    typer.Option("--option", metavar="KEY=VALUE", help="An argument of that strategy's class. May be repeated."),
]
Partial = Annotated[bool, typer.Option("--partial", help="Replay what there is, instead of refusing a tape with a hole.")]


@app.command(
    epilog="Example: ml4t-live parity my_strategies.py:Momentum --data bars.csv --config backtest.yaml; "
    "ml4t-live parity --session state/momentum"
)
def parity(
    strategy: Strategy = None,
    data: Data = None,
    config: Config = None,
    preset: Preset = "default",
    signals: Signals = None,
    context: Context = None,
    limits: Limits = None,
    session: Session = None,
    option: Options = None,
    partial: Partial = False,
    mode: options.Mode = None,
    as_json: options.Json = False,
) -> None:
    """Run a backtest's strategy in both engines and compare everything they did, or replay a session that was recorded.

    With --data, callbacks, orders, fills, trades, positions and equity of both engines are compared to the last bit, and the
    first difference is shown. It needs ml4t-live-backtest.

    With --session ([engine] record = true), every decision of its strategy is compared, byte for byte. Each run is replayed
    in a process of its own: the strategy is called with the data, the market and the answers of its broker as they were
    then, and what it asks and what it orders has to be what it asked and ordered. Exit codes: 0 the same, 1 not the same, 2
    not to be run or replayed.
    """
    if (data is None) == (session is None):
        raise Refused("name what to compare: a STRATEGY with --data FILE, or a session with --session DIR")
    if data is not None:
        given = {"config": config, "preset": preset, "signals": signals, "context": context}
        _prove(strategy, data, given, option or [], limits, as_json=as_json)
        return
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


def _prove(
    strategy: str | None, data: Path, given: Mapping[str, Any], texts: Sequence[str], limits: Path | None, *, as_json: bool
) -> None:
    if strategy is None:
        raise Refused("name the strategy to run, as in: ml4t-live parity my_strategies.py:Momentum --data bars.csv")
    try:
        prove: Any = resolve_public_name(PROVE)
    except ImportError as error:
        raise Refused(str(error)) from error
    risk = None if limits is None else load(limits, catalogue=Catalogue.discover()).risk
    found = prove(strategy, data, options=_arguments(texts), limits=risk, **given)
    if as_json:
        output.data(found.as_dict())
    else:
        typer.echo("\n".join(found.lines()))
    if not found.passed:
        raise Failed


def _source(reference: str | None, texts: Sequence[str]) -> StrategySource | None:
    if reference is None:
        if texts:
            raise Refused("--option goes with a STRATEGY; the session knows the arguments of its own strategy")
        return None
    return StrategySource(reference, str(Path.cwd()), _arguments(texts))


def _arguments(texts: Sequence[str]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for text in texts:
        try:
            assign(table, *parse_assignment(text))
        except Mistake as error:
            raise Refused(f"--option {text.partition('=')[0]}: {error}") from error
    return table


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
