"""The story of one order: what led to it, what was decided, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
from attrs import field, frozen

from ml4t.live.journal import Record, RecordKind
from ml4t.live.model import Fill, Forecast, Order, OrderState
from ml4t.live.report.reader import ReportReader
from ml4t.live.report.summary import iso
from ml4t.live.report.words import money, percent, price, quantity
from ml4t.live.times import format_duration


@frozen
class Step:
    """One thing that happened: `time` in nanoseconds UTC, `what` in a word, `text` in a sentence, `facts` for machines."""

    time: int
    what: str
    text: str
    facts: dict[str, Any] = field(factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values; the time is ISO 8601."""
        return {"time": iso(self.time), "what": self.what, "text": self.text, "facts": self.facts}


def order_story(journal: ReportReader, order: Order) -> list[Step]:
    """Return the chain of one order, from its cause to its fills."""
    steps = [*_cause(journal, order.cause), _decision(order)]
    records = journal.order_records(order.order_id)
    refusals = [record for record in records if record.kind == RecordKind.VERDICT]
    steps += [_verdict(record) for record in refusals]
    later = [(_sequence(journal, fill), fill_step(fill)) for fill in journal.fills(order_id=order.order_id)]
    for record in records:
        if record.kind == RecordKind.INTENT:
            steps.append(Step(record.time, "checks", "every risk check let it pass"))
            steps.append(Step(record.time, "intent", "written to the journal before anything was sent"))
        elif record.kind == RecordKind.ORDER and not refusals:
            later.append((record.seq, _state(record)))
    return steps + [step for _, step in sorted(later, key=lambda each: each[0])]


def describe_order(order: Order) -> str:
    """Return an order in words: `buy 200 AAPL limit 101.50`."""
    text = f"{order.side.value} {quantity(order.quantity)} {order.symbol} {order.order_type.value.replace('_', ' ')}"
    if order.limit_price is not None:
        text += f" {price(order.limit_price)}"
    if order.stop_price is not None:
        text += f" stop {price(order.stop_price)}"
    if order.trail_amount is not None:
        text += f" trail {price(order.trail_amount)}"
    return text


def describe_forecast(forecast: Forecast) -> str:
    """Return a forecast in words: `drift sees AAPL at 101.20 (up) in 5d, from 100.00`."""
    says = [] if forecast.price is None else [f"at {price(forecast.price)}"]
    if forecast.direction is not None:
        says.append(f"({forecast.direction.value})" if says else forecast.direction.value)
    if forecast.confidence is not None:
        says.append(f"with confidence {percent(forecast.confidence)}")
    if not says:
        says.append("in quantiles")
    ahead = format_duration(forecast.horizon)
    return f"{forecast.model} sees {forecast.symbol} {' '.join(says)} in {ahead}, from {price(forecast.reference_price)}"


def firing_step(record: Record) -> Step:
    """Return a firing as a step."""
    body = record.body
    about = f" for {body['symbol']}" if body.get("symbol") else ""
    text = f"{body['trigger']} fired{about}: {body['reason']}"
    if record.kind == RecordKind.SUPPRESSED:
        text += f" (suppressed by its {body.get('suppressed_by', 'cooldown')})"
    return Step(body.get("time") or record.time, "firing", text, body)


def forecast_step(forecast: Forecast) -> Step:
    """Return a forecast as a step."""
    facts = attrs.asdict(forecast)
    return Step(forecast.issued_at, "forecast", describe_forecast(forecast), facts)


def fill_step(fill: Fill) -> Step:
    """Return a fill as a step."""
    text = f"{fill.side.value} {quantity(fill.quantity)} {fill.symbol} at {price(fill.price)}"
    text += f", commission {money(fill.commission)}" if fill.commission else ""
    text += f", in place of {fill.corrects}" if fill.corrects else ""
    return Step(fill.time, "fill", text, attrs.asdict(fill))


def _sequence(journal: ReportReader, fill: Fill) -> int:
    """Return the number of a fill's record: the venue's time of a fill says little about when it became known."""
    records = journal.records(RecordKind.FILL, fill.execution_id)
    return next((record.seq for record in records if record.body["order_id"] == fill.order_id), 0)


def _cause(journal: ReportReader, cause: str) -> Iterator[Step]:
    """Yield what an order's cause names: a forecast and the firing behind it, or a firing; plain words yield nothing."""
    if not cause:
        return
    tracked = journal.forecast(cause)
    if tracked is not None:
        yield from _cause(journal, tracked.forecast.cause)
        yield forecast_step(tracked.forecast)
        return
    for record in journal.records(RecordKind.FIRING, cause, limit=1):
        yield firing_step(record)


def _decision(order: Order) -> Step:
    text = f"{order.strategy or 'somebody'} decided to {describe_order(order)}"
    text += f": {order.cause}" if order.cause else ", and gave no reason"
    return Step(order.created_at, "decision", text, {"order_id": order.order_id, "cause": order.cause})


def _verdict(record: Record) -> Step:
    body = record.body
    text = f"{body.get('check') or 'the engine'} refused it ({body.get('code')}): {body.get('reason')}"
    compared = [f"{name} {quantity(body[name])}" for name in ("value", "limit") if body.get(name) is not None]
    text += f" [{', '.join(compared)}]" if compared else ""
    return Step(record.time, "refused", text, body)


def _state(record: Record) -> Step:
    body = record.body
    state = str(body["state"])
    text = state.replace("_", " ")
    if state in {OrderState.FILLED, OrderState.PARTIALLY_FILLED}:
        text += f": {quantity(body['filled_quantity'])} of {quantity(body['quantity'])} at {price(body['average_price'])}"
    if body.get("venue_order_id"):
        text += f", the venue's id {body['venue_order_id']}"
    if body.get("reason"):
        text += f": {body['reason']}"
    return Step(record.time, "state", text, {"state": state, "code": body.get("code", ""), "reason": body.get("reason", "")})
