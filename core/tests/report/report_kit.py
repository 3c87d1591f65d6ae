"""Forecasts, fills and firings of a few words."""

from __future__ import annotations

from ml4t.live.ledger.outcome import resolve
from ml4t.live.model import Fill, Firing, Forecast, OrderSide

SECOND = 10**9
DAY = 86_400 * SECOND
START = 1_700_000_000 * SECOND


def forecast(number, *, at=START, symbol="A", model="m", horizon=DAY, reference=100.0, **says):
    return Forecast(
        symbol,
        horizon,
        model=model,
        forecast_id=f"f{number}",
        issued_at=at,
        reference_price=reference,
        reference_time=at,
        **says,
    )


def outcome(told, price):
    return resolve(told, price, told.due, told.due, block=told.issued_at // told.horizon)


def fill(number, symbol, side, size, at_price, at):
    return Fill(f"e{number}", f"o{number}", symbol, OrderSide(side), size, at_price, at, 0.0, "shadow", "a")


def firing(trigger, at, symbol=""):
    return Firing("because", symbol, {"move": 0.1}, trigger, at, f"{trigger}:{symbol}:{at}")


def note_forecasts(desk, told, prices):
    """Write forecasts and what came of them, in order of time."""
    for each in told:
        desk.note(each.issued_at, "forecast", each.forecast_id, each)
    for each, price in zip(told, prices, strict=True):
        if price is not None:
            desk.note(max(each.due, desk.clock.now()), "resolution", each.forecast_id, outcome(each, price))
