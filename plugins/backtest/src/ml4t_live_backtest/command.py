"""`ml4t-live quality`: the executions of a session beside those of the backtest's model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ml4t.live.cli import options, output
from ml4t.live.cli.exits import Refused
from ml4t.live.cli.state import find_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ml4t_live_backtest.quality import Execution, Quality

app = typer.Typer(add_completion=False)

Session = Annotated[
    Path, typer.Option("--session", metavar="DIR", help="The state directory of the session, or its configuration.")
]
Config = Annotated[Path | None, typer.Option("--config", metavar="YAML", help="The configuration of the backtest.")]
Preset = Annotated[str, typer.Option("--preset", metavar="NAME", help="Without --config: a profile of the backtest.")]
Everything = Annotated[bool, typer.Option("--all", help="Print every order too.")]


@app.command(epilog="Example: ml4t-live quality --session state/momentum --config backtest.yaml --mode live")
def quality(
    session: Session,
    config: Config = None,
    preset: Preset = "default",
    everything: Everything = False,
    mode: options.Mode = None,
    as_json: options.Json = False,
) -> None:
    """Compare the executions of a paper or live session with what the model of its backtest gives: slippage, delay, misses.

    The session has to be on a tape ([engine] record = true): the model gets its orders at the bars they were decided on.
    """
    from ml4t_live_backtest.host import read_config  # noqa: PLC0415 - the backtest is loaded when it is needed
    from ml4t_live_backtest.quality import quality_of  # noqa: PLC0415

    try:
        found = quality_of(find_state(session, mode), read_config(config, preset))
    except ValueError as error:
        raise Refused(str(error)) from error
    if as_json:
        output.data(found.as_dict() | {"executions": [_as_dict(each) for each in found.executions]})
        return
    typer.echo("\n".join(_lines(found)))
    if everything:
        typer.echo("\n".join(map(_line, found.executions)))


def _lines(found: Quality) -> Iterator[str]:
    told = found.as_dict()
    slippage, delay = told["slippage_bps"], told["delay_seconds"]
    yield f"orders      {told['orders']:,}, of which both the venue and the model executed {told['executed_by_both']:,}"
    yield f"slippage    {_spread(slippage, 'bps')}"
    yield f"            {_number(slippage['by_value'])} bps of the value traded; it has cost {told['cost']:,.2f}"
    yield f"commission  {told['commission']:,.2f}, and {told['model_commission']:,.2f} by the model"
    yield f"delay       {_spread(delay, 's')}"
    yield f"missed      {told['missed']:,} orders that the model executes, more of them or at all"
    yield f"unexpected  {told['unexpected']:,} orders that the model does not execute, less of them or not at all"


def _line(each: Execution) -> str:
    order = each.order
    return (
        f"{order.order_id} {order.symbol} {order.side} {order.quantity:g}: {each.quantity:g} at {_number(each.price)}, "
        f"the model {each.model_quantity:g} at {_number(each.model_price)}, {_number(each.slippage_bps)} bps"
    )


def _spread(values: Mapping[str, float | None], unit: str) -> str:
    mean, middle, worst = (_number(values[name]) for name in ("mean", "median", "worst"))
    return f"{mean} {unit} on average, median {middle}, worst {worst}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def _as_dict(each: Execution) -> dict[str, Any]:
    return {
        "order_id": each.order.order_id,
        "symbol": each.order.symbol,
        "side": each.order.side,
        "order_type": each.order.order_type,
        "quantity": each.quantity,
        "price": each.price,
        "delay_seconds": each.delay_seconds,
        "model_quantity": each.model_quantity,
        "model_price": each.model_price,
        "model_time": None if each.model_time is None else each.model_time.isoformat(),
        "slippage_bps": each.slippage_bps,
        "missed": each.missed,
        "unexpected": each.unexpected,
    }
