"""What happened around a moment to one symbol: firings, forecasts, orders, refusals, gaps."""

from __future__ import annotations

from ml4t.live.journal import Record, RecordKind
from ml4t.live.model import Order
from ml4t.live.report.reader import ReportReader
from ml4t.live.report.story import Step, describe_forecast, describe_order, firing_step
from ml4t.live.report.words import duration, percent, price


def symbol_story(journal: ReportReader, symbol: str, *, at: int | None = None, limit: int = 5) -> list[Step]:
    """Return the latest `limit` things of each sort that concern a symbol, up to `at` (nanoseconds UTC), in order of time."""
    # A firing without a symbol concerns them all.
    firings = journal.newest(RecordKind.FIRING, symbols=(symbol, ""), before=at, limit=limit)
    forecasts = journal.newest(RecordKind.FORECAST, symbols=(symbol,), before=at, limit=limit)
    gaps = journal.newest(RecordKind.GAP, symbols=(symbol,), before=at, limit=limit)
    orders = journal.latest_orders(symbol=symbol, before=at, limit=limit)
    steps = [firing_step(record) for record in firings]
    steps += [_forecast(journal, record) for record in forecasts]
    steps += [_gap(record) for record in gaps]
    steps += [_order(order) for order in orders]
    return sorted(steps, key=lambda step: step.time)


def _order(order: Order) -> Step:
    state = order.state.value.replace("_", " ")
    text = f"{describe_order(order)}, {state}"
    if order.average_price is not None:
        text += f" at {price(order.average_price)}"
    if order.code:
        text += f" by {order.code}"
    if order.reason:
        text += f": {order.reason}"
    elif order.cause:
        text += f", because {order.cause}"
    facts = {"order_id": order.order_id, "state": order.state.value, "code": order.code, "cause": order.cause}
    return Step(order.created_at, "order", f"{text}  [{order.order_id}]", facts)


def _forecast(journal: ReportReader, record: Record) -> Step:
    tracked = journal.forecast(record.subject)
    if tracked is None:
        return Step(record.time, "forecast", f"{record.subject} cannot be read", {})
    text = describe_forecast(tracked.forecast)
    outcome = tracked.resolution
    facts = {"forecast_id": record.subject, "model": tracked.forecast.model, "state": tracked.state.value}
    if outcome is None or outcome.price is None:
        return Step(record.time, "forecast", f"{text}: {tracked.state.value}", facts)
    verdict = "" if outcome.direction_hit is None else ", right" if outcome.direction_hit else ", wrong"
    error = None if outcome.absolute_error is None else outcome.absolute_error / tracked.forecast.reference_price
    text += f": it was {price(outcome.price)}{verdict}" + ("" if error is None else f", off by {percent(error, 2)}")
    return Step(record.time, "forecast", text, facts | {"price": outcome.price, "direction_hit": outcome.direction_hit})


def _gap(record: Record) -> Step:
    body = record.body
    length = duration((body["end"] - body["start"]) / 1e9)
    recovered = body.get("recovered")
    text = f"no data for {length} ({body['reason']})" + ("" if recovered is None else f", {recovered} events recovered")
    return Step(body["start"], "gap", text, body)
