"""Running scores: sums that answer at once, however many forecasts there were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import define

from ml4t.live.model import Forecast, Resolution


@define
class Score:
    """The sums of one model at one horizon for one symbol (or of several added up).

    Errors are kept relative to the reference price, so that symbols of different prices add up.
    """

    issued: int = 0
    resolved: int = 0
    unresolvable: int = 0
    directions: int = 0
    hits: int = 0
    prices: int = 0
    absolute_error: float = 0.0
    naive_error: float = 0.0

    def add(self, forecast: Forecast, resolution: Resolution) -> None:
        """Take in one forecast that has been resolved, or given up on."""
        if resolution.price is None:
            self.unresolvable += 1
            return
        self.resolved += 1
        if resolution.direction_hit is not None:
            self.directions += 1
            self.hits += resolution.direction_hit
        if resolution.absolute_error is not None and resolution.naive_error is not None:
            self.prices += 1
            self.absolute_error += resolution.absolute_error / forecast.reference_price
            self.naive_error += resolution.naive_error / forecast.reference_price

    @property
    def hit_rate(self) -> float | None:
        """Share of right directions among forecasts that named one."""
        return self.hits / self.directions if self.directions else None

    @property
    def mean_absolute_error(self) -> float | None:
        """Mean absolute error as a fraction of the reference price."""
        return self.absolute_error / self.prices if self.prices else None

    @property
    def skill(self) -> float | None:
        """1 - MAE / MAE of predicting no change, on the same forecasts; 0 is naive, below 0 worse than naive."""
        return 1.0 - self.absolute_error / self.naive_error if self.naive_error else None

    def plus(self, other: Score) -> Score:
        """Return the sums of both."""
        return Score(*(a + b for a, b in zip(attrs.astuple(self), attrs.astuple(other), strict=True)))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Score:
        """Return the sums that `attrs.asdict` wrote."""
        return cls(**state)
