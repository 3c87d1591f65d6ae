"""The tables that are kept beside the records: the row that each kind of record leaves in its table."""

from __future__ import annotations

import sqlite3

import msgspec

from ml4t.live.journal.encoding import clean, decode
from ml4t.live.journal.kinds import BODIES
from ml4t.live.model import Fill, Forecast, ForecastState, Order, Resolution

ORDER = """INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET
    symbol = excluded.symbol, state = excluded.state, open = excluded.open, created_at = excluded.created_at,
    updated_at = excluded.updated_at, body = excluded.body"""
FILL = "INSERT INTO fills VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
# The first issue of a forecast stands: one that could be issued again could be backdated.
FORECAST = "INSERT INTO forecasts VALUES (?, ?, ?, ?, ?, 'open', ?, ?, NULL) ON CONFLICT DO NOTHING"
RESOLUTION = "UPDATE forecasts SET state = ?, resolution = ? WHERE forecast_id = ?"

Row = tuple[object, ...]
_LARGEST = 2**63 - 1


def order_row(order: Order, text: str) -> Row:
    """Return the row of an order whose JSON is `text`."""
    times = (_integer(order.created_at), _integer(order.updated_at))
    return (clean(order.order_id), clean(order.symbol), clean(order.state), int(order.is_open), *times, text)


def fill_row(fill: Fill, text: str) -> Row:
    """Return the row of a fill."""
    key = (clean(fill.venue), clean(fill.account), clean(fill.execution_id))
    return (*key, clean(fill.order_id), clean(fill.symbol), _integer(fill.time), text)


def forecast_row(forecast: Forecast, text: str) -> Row:
    """Return the row of a forecast that is open."""
    names = (clean(forecast.forecast_id), clean(forecast.model), clean(forecast.symbol))
    return (*names, _integer(forecast.horizon), _integer(forecast.due), _integer(forecast.issued_at), text)


def resolution_row(resolution: Resolution, text: str) -> Row:
    """Return what a resolution changes in the row of its forecast."""
    return (ForecastState(resolution.state).value, text, clean(resolution.forecast_id))


def project(connection: sqlite3.Connection, kind: str, text: str) -> None:
    """Bring the table that a record belongs to up to date; a body that could not be written has no row.

    Raises MsgspecError when the text is not what the kind says.
    """
    if kind not in BODIES:
        return
    fields = msgspec.json.decode(text)
    if isinstance(fields, dict) and {"error", "repr"} <= fields.keys():
        return
    body: object = decode(BODIES[kind][0], text)
    if isinstance(body, Order):
        connection.execute(ORDER, order_row(body, text))
    elif isinstance(body, Fill):
        connection.execute(FILL, fill_row(body, text))
    elif isinstance(body, Forecast):
        connection.execute(FORECAST, forecast_row(body, text))
    elif isinstance(body, Resolution):
        connection.execute(RESOLUTION, resolution_row(body, text))


def _integer(value: int) -> int:
    if type(value) is int and -_LARGEST <= value <= _LARGEST:
        return value
    return max(-_LARGEST, min(_LARGEST, int(value)))
