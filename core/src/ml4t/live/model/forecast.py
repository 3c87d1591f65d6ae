"""A forecast and what became of it."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen


class Direction(StrEnum):
    """Which way a price is expected to go, or went, against the reference price."""

    UP = "up"
    DOWN = "down"
    SIDEWAYS = "sideways"


class ForecastState(StrEnum):
    """Where a forecast stands."""

    OPEN = "open"
    RESOLVED = "resolved"
    LATE = "late"
    """Resolved, but by a price much later than the horizon."""
    UNRESOLVABLE = "unresolvable"


@frozen
class Forecast:
    """What a model said about one symbol at one horizon, frozen at issue.

    Forecasters fill in `symbol`, `horizon` and what they predict (`price`, or `direction` with `confidence`, or
    `quantiles` as {level: price}); the engine stamps the rest, so a forecaster cannot backdate. `horizon` is in
    nanoseconds after `issued_at`; `reference_price` is the last trusted price at issue, of `reference_time`.
    """

    symbol: str
    horizon: int
    price: float | None = None
    direction: Direction | None = None
    confidence: float | None = None
    quantiles: dict[float, float] | None = None
    model: str = ""
    version: str = ""
    forecast_id: str = ""
    issued_at: int = 0
    reference_price: float = 0.0
    reference_time: int = 0
    cause: str = ""
    """The id of the firing that asked for it."""

    @property
    def due(self) -> int:
        """The moment it speaks of, nanoseconds UTC."""
        return self.issued_at + self.horizon


@frozen
class Resolution:
    """What happened to a forecast: the price at its horizon and the scores that follow from it.

    `direction_hit` is None when the forecast named no direction, `absolute_error` (price units) when it named no price;
    `naive_error` is the absolute error of predicting no change.
    """

    forecast_id: str
    state: ForecastState
    time: int
    price: float | None = None
    price_time: int | None = None
    direction_hit: bool | None = None
    absolute_error: float | None = None
    naive_error: float | None = None
