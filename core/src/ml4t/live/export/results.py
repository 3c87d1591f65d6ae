"""Forecasts beside what became of them, newest last: the shape in which people and other programs read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from ml4t.live.journal import TrackedForecast
from ml4t.live.journal.queries import Queries
from ml4t.live.ledger.outcome import centre_of, direction_of
from ml4t.live.times import NANOS, to_datetime

NEWEST = 1_000
"""Forecasts that a file holds; the journal has all of them."""


@attrs.define
class ForecastResult:
    """One forecast, and what became of it.

    `timestamp` is the moment of issue (UTC). `accuracy` is 1.0 when the direction was right and 0.0 when it was wrong,
    against the price at issue: of a price there is no such thing. `pnl` is the return of following it, after costs. `state` is
    open, resolved, late or unresolvable. What is not known is None.
    """

    timestamp: datetime
    symbol: str
    forecast_price: float | None
    forecast_direction: str | None
    confidence: float | None
    model_name: str
    horizon_hours: float = 24.0
    reference_price: float | None = None
    actual_price: float | None = None
    actual_direction: str | None = None
    accuracy: float | None = None
    pnl: float | None = None
    state: str = "open"
    forecast_id: str = ""

    @classmethod
    def of(cls, tracked: TrackedForecast) -> ForecastResult:
        """Return the result of a forecast as the journal has it."""
        forecast, outcome = tracked.forecast, tracked.resolution
        price = outcome.price if outcome is not None else None
        hit = outcome.direction_hit if outcome is not None else None
        return cls(
            timestamp=to_datetime(forecast.issued_at),
            symbol=forecast.symbol,
            forecast_price=centre_of(forecast),
            forecast_direction=forecast.direction.value if forecast.direction is not None else None,
            confidence=forecast.confidence,
            model_name=forecast.model,
            horizon_hours=forecast.horizon / (3_600 * NANOS),
            reference_price=forecast.reference_price,
            actual_price=price,
            actual_direction=None if price is None else direction_of(price / forecast.reference_price - 1.0).value,
            accuracy=None if hit is None else float(hit),
            pnl=outcome.gain if outcome is not None else None,
            state=tracked.state.value,
            forecast_id=forecast.forecast_id,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values, the time as ISO 8601."""
        return attrs.asdict(self) | {"timestamp": self.timestamp.isoformat()}


def forecast_results(journal: Queries, limit: int = NEWEST, **only: Any) -> Sequence[ForecastResult]:
    """Return the newest `limit` forecasts, newest last; `only` as for `Queries.forecasts`. Raises JournalError."""
    return [ForecastResult.of(tracked) for tracked in journal.forecasts(limit=limit, **only)]
