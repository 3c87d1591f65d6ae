"""What came, by what was predicted: the mean move that followed predictions of about the same move."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor, sqrt

from attrs import define, field, frozen

from ml4t.live.journal import TrackedForecast
from ml4t.live.ledger.formulas import Z95
from ml4t.live.ledger.outcome import centre_of
from ml4t.live.model import ForecastState

BINS = 24
"""Bins of a plot, of equal width; half of them and more are in use."""
FINEST = 1e-5
"""The width with which bins begin: a thousandth of a per cent."""


@frozen
class Moves:
    """Forecasts that saw about the same move coming; moves are fractions of the reference price.

    `low` and `high` are the 95 % interval of the mean move that came, as if no two forecasts overlapped; None for one alone.
    """

    count: int
    predicted: float
    came: float
    low: float | None
    high: float | None


@frozen
class Outcomes:
    """The forecasts of a model at one horizon (nanoseconds) that named a price and were resolved."""

    model: str
    horizon: int
    count: int
    bins: tuple[Moves, ...]


@define
class MoveBins:
    """Predicted moves in bins of equal width, which doubles whenever one would not fit: memory stays what it was."""

    count: int = 0
    width: float = FINEST
    _sums: dict[int, list[float]] = field(factory=dict)

    def add(self, predicted: float, came: float) -> None:
        """Take in one forecast."""
        while not -BINS // 2 <= floor(predicted / self.width) < BINS // 2:
            self._double()
        self.count += 1
        _add(self._sums.setdefault(floor(predicted / self.width), [0.0] * 4), [1.0, predicted, came, came * came])

    def bins(self) -> Iterator[Moves]:
        """Iterate over the bins that have forecasts, from the largest fall to the largest rise."""
        for _, (count, predicted, came, squares) in sorted(self._sums.items()):
            mean = came / count
            half = None
            if count > 1:
                half = Z95 * sqrt(max(0.0, squares - count * mean * mean) / (count - 1) / count)
            low, high = (None, None) if half is None else (mean - half, mean + half)
            yield Moves(int(count), predicted / count, mean, low, high)

    def _double(self) -> None:
        sums, self._sums = self._sums, {}
        self.width *= 2.0
        for place, each in sums.items():
            _add(self._sums.setdefault(place // 2, [0.0] * 4), each)


class OutcomeRoom:
    """Gathers what came of all forecasts, by model and horizon."""

    def __init__(self) -> None:
        self._bins: dict[tuple[str, int], MoveBins] = {}

    def add(self, tracked: TrackedForecast) -> None:
        """Take in a forecast; one that named no price, is open, or came late is left out, as in its scores."""
        forecast, outcome, centre = tracked.forecast, tracked.resolution, centre_of(tracked.forecast)
        if tracked.state is not ForecastState.RESOLVED or outcome is None or outcome.price is None or centre is None:
            return
        unit = forecast.reference_price
        bins = self._bins.setdefault((forecast.model, forecast.horizon), MoveBins())
        bins.add(centre / unit - 1.0, outcome.price / unit - 1.0)

    def outcomes(self) -> tuple[Outcomes, ...]:
        """Return what was gathered, by model and horizon."""
        found = sorted(self._bins.items())
        return tuple(Outcomes(model, horizon, each.count, tuple(each.bins())) for (model, horizon), each in found)


def _add(sums: list[float], more: list[float]) -> None:
    for place, value in enumerate(more):
        sums[place] += value
