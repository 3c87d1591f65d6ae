"""What is written about an event: in which table, under which columns."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from ml4t.live.contracts import RuntimeEvent
from ml4t.live.times import NANOS, to_datetime

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "orders": (
        "time", "order_id", "venue_order_id", "symbol", "side", "order_type", "quantity", "limit_price", "stop_price",
        "time_in_force", "state", "filled_quantity", "average_price", "commission", "strategy", "cause", "code", "reason",
    ),
    "fills": (
        "time", "execution_id", "order_id", "venue_order_id", "symbol", "side", "quantity", "price", "commission", "venue",
        "account", "traded_at", "corrects",
    ),
    "forecasts": (
        "time", "kind", "forecast_id", "model", "version", "symbol", "horizon_seconds", "price", "direction", "confidence",
        "reference_price", "trigger", "state", "direction_hit", "absolute_error", "crps", "gain", "why",
    ),
    "health": ("time", "kind", "subject", "body"),
}  # fmt: skip

TABLE_OF: Mapping[str, str] = {
    "intent": "orders",
    "order": "orders",
    "fill": "fills",
    "forecast": "forecasts",
    "resolution": "forecasts",
    "health": "health",
    "condition": "health",
    "gap": "health",
    "error": "health",
    "kill_switch": "health",
    "reconciliation": "health",
    "run": "health",
}
"""The table of each kind of event."""


def kinds_of(tables: Iterable[str]) -> frozenset[str]:
    """Return the kinds of event that these tables are made of."""
    wanted = set(tables)
    return frozenset(kind for kind, table in TABLE_OF.items() if table in wanted)


def row(event: RuntimeEvent) -> tuple[str, list[str]]:
    """Return the table of an event and its cells; times are UTC with nanoseconds, what is not known is empty."""
    table = TABLE_OF[event.kind]
    fields = _fields(event)
    given = {**fields, "time": stamp(event.time), "kind": event.kind, "subject": event.subject}
    if table == "fills":
        given["traded_at"] = stamp(int(fields["time"]))
    if "horizon" in fields:
        given["horizon_seconds"] = fields["horizon"] / NANOS
    if table == "health":
        given["body"] = json.dumps(fields, default=str, sort_keys=True)
    return table, [_cell(given.get(column)) for column in COLUMNS[table]]


def stamp(time: int) -> str:
    """Return `2026-01-05T14:30:00.000000001Z`."""
    return f"{to_datetime(time):%Y-%m-%dT%H:%M:%S}.{time % NANOS:09d}Z"


def _fields(event: RuntimeEvent) -> dict[str, Any]:
    body = event.body
    if attrs.has(type(body)):
        return {attribute.name: getattr(body, attribute.name) for attribute in attrs.fields(type(body))}
    return dict(body) if isinstance(body, Mapping) else {"text": str(body)}


def _cell(value: object) -> str:
    # Members of an enum of strings are their own text.
    return "" if value is None else str(value)
