"""How much of each limit is in use."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ml4t.live.model import Position


def limit_use(
    limits: Mapping[str, Any],
    losses: Mapping[str, Any],
    positions: Collection[Position],
    open_orders: int,
    orders_lately: int,
    equity: float | None,
    tallies: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """Return each limit that is on and has a standing value: limit, value, at_most, and the share that is used.

    `limits` is what the run sealed at its start, `losses` what the loss watch keeps; positions count at their last marks,
    `orders_lately` are those of the last minute, `tallies` the day's sums that the desk keeps.
    """
    values: dict[str, float] = {
        "max_positions": len(positions),
        "max_open_orders": open_orders,
        "max_orders_per_minute": orders_lately,
        "max_position_value": max((abs(position.market_value) for position in positions), default=0.0),
        "max_total_exposure": sum(abs(position.market_value) for position in positions),
    }
    worth = [position.market_value for position in positions]
    values["max_long_value"] = sum(value for value in worth if value > 0)
    values["max_short_value"] = -sum(value for value in worth if value < 0)
    values["max_net_exposure"] = abs(sum(worth))
    if equity:
        values["max_leverage"] = sum(map(abs, worth)) / equity
    if tallies:
        values["max_daily_turnover"] = tallies["value_sent"]
        values["max_order_to_fill_ratio"] = tallies["messages_today"] / max(1, tallies["fills_today"])
        values["max_losing_streak"] = tallies["losing_streak"]
    if equity is not None and losses:
        high = losses["high_water_mark"]
        values["max_daily_loss"] = max(0.0, losses["day_start"] - equity)
        values["max_drawdown_pct"] = max(0.0, 1.0 - equity / high) if high > 0 else 0.0
    return [_line(name, value, limits[name]) for name, value in values.items() if limits.get(name) is not None]


def _line(name: str, value: float, at_most: float) -> dict[str, Any]:
    return {"limit": name, "value": value, "at_most": at_most, "used": value / at_most if at_most else float(value > 0)}
