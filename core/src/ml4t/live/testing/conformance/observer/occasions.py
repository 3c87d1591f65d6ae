"""Everything that an engine tells an observer of."""

from __future__ import annotations

from typing import Any

from ml4t.live.contracts.observer import RuntimeEvent
from ml4t.live.journal import RecordKind
from ml4t.live.model import (
    Account,
    Direction,
    Fill,
    Firing,
    Forecast,
    ForecastState,
    Gap,
    Order,
    OrderSide,
    OrderState,
    Resolution,
    Verdict,
)
from ml4t.live.times import NANOS

TUESDAY = 1_709_650_800 * NANOS


def every_kind() -> list[RuntimeEvent]:
    """Return an event of every kind, and one of a kind that a later core may have."""
    bodies = _bodies()
    kinds: list[str] = [*RecordKind, "of a later core"]
    return [
        RuntimeEvent(TUESDAY + number, str(kind), f"subject-{number}", bodies.get(kind, {"what": str(kind), "count": number}))
        for number, kind in enumerate(kinds)
    ]


def many(count: int) -> list[RuntimeEvent]:
    """Return so many events, as of a market that moves."""
    kinds = every_kind()
    return [
        RuntimeEvent(TUESDAY + number, each.kind, each.subject, each.body)
        for number in range(count)
        for each in (kinds[number % len(kinds)],)
    ]


def _bodies() -> dict[str, Any]:
    order = Order("order-1", "AAA", OrderSide.BUY, 10.0, created_at=TUESDAY, strategy="s", cause="hourly::1")
    refusal = Verdict(False, "max_order_value", "the order is worth 1,000.00", 500.0, 1_000.0, "max_order_value")
    forecast = Forecast("AAA", 3_600 * NANOS, 101.0, Direction.UP, 0.6, model="drift", forecast_id="f-1", issued_at=TUESDAY)
    return {
        RecordKind.INTENT: order,
        RecordKind.ORDER: order.changed(state=OrderState.FILLED, filled_quantity=10.0, average_price=100.0),
        RecordKind.FILL: Fill("x-1", "order-1", "AAA", OrderSide.BUY, 10.0, 100.0, TUESDAY, 1.0, "shadow"),
        RecordKind.VERDICT: refusal,
        RecordKind.FIRING: Firing("AAA moved", "AAA", {"move": 0.02}, "moves", TUESDAY, "moves:AAA:1"),
        RecordKind.FORECAST: forecast,
        RecordKind.RESOLUTION: Resolution("f-1", ForecastState.RESOLVED, TUESDAY, 100.5, TUESDAY, direction_hit=True),
        RecordKind.ACCOUNT: Account("a-1", "shadow", "USD", 99_000.0, 100_000.0, TUESDAY),
        RecordKind.GAP: Gap("AAA", TUESDAY - NANOS, TUESDAY, "disconnect"),
    }
