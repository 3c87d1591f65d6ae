"""The summary on a terminal: the tables a trader reads at the end of a day."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from ml4t.live.model import OrderState
from ml4t.live.report.grid import grid
from ml4t.live.report.skill_table import skill_table
from ml4t.live.report.summary import SessionSummary
from ml4t.live.report.words import (
    NOTHING,
    duration,
    moment,
    money,
    percent,
    plural,
    price,
    quantity,
    signed_percent,
)


def render(summary: SessionSummary) -> RenderableType:
    """Return the summary as tables; what did not happen is left out, or said in one line."""
    return Group(*_parts(summary))


def _parts(summary: SessionSummary) -> Iterator[RenderableType]:
    yield _headline(summary)
    always = (_account(summary), _traded(summary), _latest(summary), _refusals(summary))
    for part in (*always, _firings(summary), _skill(summary), _errors(summary), _gaps(summary)):
        if part is not None:
            yield Text()
            yield part


def _headline(summary: SessionSummary) -> Text:
    run = summary.run
    text = Text.assemble((run.name or "run", "bold"), f" · {run.mode} mode", style="")
    if run.strategy:
        text.append(f" · {run.strategy}")
    text.append(f"\n{moment(run.start)} to {moment(run.end)}")
    text.append(f" · {'recorded' if run.recorded_data else 'live'} data · {plural(run.runs, 'run')}")
    text.append(f" · {plural(sum(run.records.values()), 'journal record')}")
    if run.ended:
        text.append(f"\nEnded: {run.ended}")
    return text


def _account(summary: SessionSummary) -> RenderableType:
    curve = summary.equity
    if curve.last is None:
        return Text("Equity: none noted yet (the engine notes it once a day of data)", style="dim")
    text = Text.assemble(("Equity", "bold"), f"  {money(curve.first)} → {money(curve.last)}  ")
    change = curve.total_return
    text.append(signed_percent(change, 2), style="green" if (change or 0) >= 0 else "red")
    text.append(f"   max drawdown {percent(curve.max_drawdown, 2)}")
    if curve.max_drawdown:
        text.append(f" ({moment(curve.peak_at)[:10]} to {moment(curve.trough_at)[:10]})")
    text.append(f"   cash {money(curve.cash)}")
    line = curve.sparkline()
    return Text.assemble(text, "\n", (line, "cyan")) if line else text


def _traded(summary: SessionSummary) -> RenderableType:
    states = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in summary.orders.items())
    title = f"What was traded: {plural(sum(summary.orders.values()), 'order')}"
    title += f" ({states})" if states else ""
    if not summary.traded:
        return Text(title, style="bold")
    numbers = "orders fills bought sold turnover commission realised_P&L position at"
    columns = ("symbol", "orders", "fills", "bought", "sold", "turnover", "commission", "realised P&L", "position", "at")
    reasons = any(line.reason for line in summary.traded)
    table = grid(title, *columns, *(["last reason"] if reasons else []), numbers=numbers)
    for line in summary.traded:
        cells = [
            line.symbol,
            str(line.orders),
            str(line.fills),
            quantity(line.bought),
            quantity(line.sold),
            money(line.turnover),
            money(line.commission),
            money(line.realised_pnl),
            quantity(line.position),
            price(line.average_price),
        ]
        table.add_row(*cells, *([line.reason or NOTHING] if reasons else []))
    sums = summary.fills
    orders = str(sum(line.orders for line in summary.traded))
    total = ["all", orders, str(sums["fills"]), "", "", money(sums["turnover"]), money(sums["commission"])]
    table.add_row(*total, money(sums["realised_pnl"]), "", "", style="bold")
    return table


def _latest(summary: SessionSummary) -> RenderableType:
    if not summary.latest:
        return Text("No order has traded", style="dim")
    columns = ("time", "order", "symbol", "side", "quantity", "price", "state", "why")
    table = grid("The latest that traded", *columns, numbers="quantity price")
    for order in summary.latest:
        table.add_row(
            moment(order.created_at),
            order.order_id,
            order.symbol,
            order.side.value,
            quantity(order.filled_quantity),
            price(order.average_price),
            order.state.value.replace("_", " "),
            order.cause or order.strategy or NOTHING,
        )
    return table


def _refusals(summary: SessionSummary) -> RenderableType:
    refused = sum(line["count"] for line in summary.refusals)
    if not refused:
        count = summary.orders.get(OrderState.REJECTED, 0)
        return Text("No check refused an order" + (f" ({count} rejected by the venue)" if count else ""), style="dim")
    title = f"What the checks refused: {plural(refused, 'order')}"
    table = grid(title, "check", "code", "count", "the latest, for example", numbers="count")
    for line in summary.refusals:
        table.add_row(line["check"] or NOTHING, line["code"], f"{line['count']:,}", line["example"])
    return table


def _firings(summary: SessionSummary) -> RenderableType | None:
    if not summary.firings:
        return None
    table = grid("Triggers", "trigger", "fired", "suppressed", "the latest, for example", numbers="fired suppressed")
    for line in summary.firings:
        table.add_row(line["trigger"], f"{line['count']:,}", f"{line['suppressed']:,}", line["example"])
    return table


def _skill(summary: SessionSummary) -> RenderableType | None:
    return skill_table(summary.models) if summary.models else None


def _errors(summary: SessionSummary) -> RenderableType | None:
    if not summary.errors:
        return None
    table = grid("Errors", "component", "count", "the latest", numbers="count")
    for line in summary.errors:
        table.add_row(line["component"], f"{line['count']:,}", line["example"])
    return table


def _gaps(summary: SessionSummary) -> RenderableType | None:
    if not summary.gaps:
        return None
    table = grid("Gaps in the data", "symbol", "reason", "count", "in all", "recovered", numbers="count in_all recovered")
    for line in summary.gaps:
        recovered = NOTHING if line["recovered"] is None else f"{line['recovered']:,} events"
        table.add_row(line["symbol"], line["reason"], f"{line['count']:,}", duration(line["seconds"]), recovered)
    return table
