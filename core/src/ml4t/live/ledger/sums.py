"""Running sums over forecasts of one kind: what a report needs, in a memory that does not grow.

Errors are relative to the reference price, so that symbols of different prices add up. A mean of nothing is None.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from operator import attrgetter
from typing import Any, Self

import attrs
from attrs import define, field

from ml4t.live.model import Forecast, Resolution

BINS = 10
"""Bins of the reliability curve, of equal width in the probability given."""
SLOTS = 20
"""Bins of the histogram of the probability integral transform."""
LEVELS = 40
"""Different levels of quantiles that are told apart; more are not judged one by one."""


@define
class Sums:
    """Numbers, and lists of numbers, that add up."""

    def plus(self, other: Self) -> Self:
        """Return the sums of both."""
        return type(self)(*map(_add, _values(self), _values(other)))

    def state(self) -> list[Any]:
        """Return them for the journal; they may change afterwards."""
        return [value if value.__class__ in _PLAIN else _copy(value) for value in _values(self)]


@define
class PointSums(Sums):
    """Forecasts of a price, beside predicting no change."""

    count: int = 0
    absolute: float = 0.0
    naive: float = 0.0
    squares: float = 0.0
    naive_squares: float = 0.0
    signed: float = 0.0

    def add(self, forecast: Forecast, outcome: Resolution) -> None:
        """Take in a forecast that named a price."""
        unit = forecast.reference_price
        error, naive = (outcome.absolute_error or 0.0) / unit, (outcome.naive_error or 0.0) / unit
        self.count += 1
        self.absolute += error
        self.naive += naive
        self.squares += error * error
        self.naive_squares += naive * naive
        self.signed += ((forecast.price or 0.0) - (outcome.price or 0.0)) / unit

    @property
    def skill(self) -> float | None:
        """1 - MAE / MAE of predicting no change: 0 is naive, below 0 worse than naive."""
        return 1.0 - self.absolute / self.naive if self.naive else None

    @property
    def root_mean_square(self) -> float | None:
        """Root of the mean squared error."""
        return sqrt(self.squares / self.count) if self.count else None


@define
class DirectionSums(Sums):
    """Forecasts of a direction."""

    count: int = 0
    hits: int = 0

    def add(self, outcome: Resolution) -> None:
        """Take in a forecast that named a direction."""
        self.count += 1
        self.hits += bool(outcome.direction_hit)


@define
class ProbabilitySums(Sums):
    """Directions with a confidence: proper scores, and how often what was called p came true."""

    count: int = 0
    brier: float = 0.0
    naive_brier: float = 0.0
    log_score: float = 0.0
    clipped: int = 0
    counts: list[int] = field(factory=lambda: [0] * BINS)
    given: list[float] = field(factory=lambda: [0.0] * BINS)
    hits: list[int] = field(factory=lambda: [0] * BINS)

    def add(self, confidence: float, naive_brier: float, outcome: Resolution) -> None:
        """Take in a direction that was given a probability."""
        self.count += 1
        self.brier += outcome.brier or 0.0
        self.naive_brier += naive_brier
        self.log_score += outcome.log_score or 0.0
        self.clipped += outcome.clipped
        place = min(BINS - 1, int(confidence * BINS))
        self.counts[place] += 1
        self.given[place] += confidence
        self.hits[place] += bool(outcome.direction_hit)

    @property
    def skill(self) -> float | None:
        """1 - Brier score / that of the base rate of the direction named."""
        return 1.0 - self.brier / self.naive_brier if self.naive_brier else None

    @property
    def reliability(self) -> float | None:
        """Murphy's reliability: the mean squared distance of what came true from what was said; 0 is perfect."""
        if not self.count:
            return None
        return sum((p - h) ** 2 / n for n, p, h in zip(self.counts, self.given, self.hits, strict=True) if n) / self.count

    @property
    def resolution(self) -> float | None:
        """Murphy's resolution: how far the bins' outcomes lie from the base rate; more is better."""
        if not self.count:
            return None
        base = sum(self.hits) / self.count
        return sum(n * (h / n - base) ** 2 for n, h in zip(self.counts, self.hits, strict=True) if n) / self.count

    @property
    def calibration_error(self) -> float | None:
        """The expected calibration error: the mean distance of what came true from what was said."""
        if not self.count:
            return None
        return sum(abs(p - h) for p, h in zip(self.given, self.hits, strict=True)) / self.count


@define
class QuantileSums(Sums):
    """Forecasts of quantiles."""

    count: int = 0
    pinball: float = 0.0
    compared: int = 0
    """Those with a naive distribution to compare with."""
    compared_pinball: float = 0.0
    naive_pinball: float = 0.0
    below: dict[str, list[int]] = field(factory=dict)
    """By level: how many forecasts named it, and how often the price was not above it."""

    def add(self, forecast: Forecast, outcome: Resolution) -> None:
        """Take in a forecast that named quantiles."""
        unit, score = forecast.reference_price, outcome.pinball or 0.0
        self.count += 1
        self.pinball += score / unit
        if outcome.naive_pinball is not None:
            self.compared += 1
            self.compared_pinball += score / unit
            self.naive_pinball += outcome.naive_pinball / unit
        for level, quantile in (forecast.quantiles or {}).items():
            name = f"{level:.4g}"
            if name in self.below or len(self.below) < LEVELS:
                counts = self.below.setdefault(name, [0, 0])
                counts[0] += 1
                counts[1] += (outcome.price or 0.0) <= quantile

    @property
    def skill(self) -> float | None:
        """1 - pinball / pinball of the random walk's quantiles."""
        return 1.0 - self.compared_pinball / self.naive_pinball if self.naive_pinball else None


@define
class DistributionSums(Sums):
    """Forecasts of a distribution, as a formula or as samples."""

    count: int = 0
    crps: float = 0.0
    compared: int = 0
    """Those with a naive distribution to compare with."""
    compared_crps: float = 0.0
    naive_crps: float = 0.0
    densities: int = 0
    log_density: float = 0.0
    naive_log_density: float = 0.0
    slots: list[int] = field(factory=lambda: [0] * SLOTS)
    """The histogram of the PIT: flat when the model is calibrated, a U when it is overconfident."""

    def add(self, forecast: Forecast, outcome: Resolution) -> None:
        """Take in a forecast of a distribution or samples."""
        unit, score = forecast.reference_price, outcome.crps or 0.0
        self.count += 1
        self.crps += score / unit
        if outcome.naive_crps is not None:
            self.compared += 1
            self.compared_crps += score / unit
            self.naive_crps += outcome.naive_crps / unit
        if outcome.log_density is not None and outcome.naive_log_density is not None:
            self.densities += 1
            self.log_density += outcome.log_density
            self.naive_log_density += outcome.naive_log_density
        if outcome.pit is not None:
            self.slots[min(SLOTS - 1, int(outcome.pit * SLOTS))] += 1

    @property
    def skill(self) -> float | None:
        """1 - CRPS / CRPS of the random walk."""
        return 1.0 - self.compared_crps / self.naive_crps if self.naive_crps else None


@define
class GainSums(Sums):
    """What following the forecasts would have paid, one unit each, after costs."""

    count: int = 0
    gain: float = 0.0
    cost: float = 0.0
    wins: int = 0
    peak: float = 0.0
    drawdown: float = 0.0
    """The deepest fall of the sum of gains from its peak, in units. Added up, it is the deeper of both."""

    def add(self, outcome: Resolution) -> None:
        """Take in a forecast that said which way."""
        gain = outcome.gain or 0.0
        self.count += 1
        self.gain += gain
        self.cost += outcome.cost or 0.0
        self.wins += gain > 0
        self.peak = max(self.peak, self.gain)
        self.drawdown = max(self.drawdown, self.peak - self.gain)

    def plus(self, other: Self) -> Self:
        """Return the sums of both; of the fall, the deeper one."""
        both = super().plus(other)
        both.drawdown = max(self.drawdown, other.drawdown)
        return both


_PLAIN = (int, float)


_GETTERS: dict[type[Sums], Callable[[Any], tuple[Any, ...]]] = {}


def _values(sums: Sums) -> tuple[Any, ...]:
    """Return the values of all fields, ten times as fast as `attrs.astuple`."""
    kind = type(sums)
    if kind not in _GETTERS:
        _GETTERS[kind] = attrgetter(*(each.name for each in attrs.fields(kind)))
    return _GETTERS[kind](sums)


def _add(one: Any, two: Any) -> Any:
    if isinstance(one, list):
        return [a + b for a, b in zip(one, two, strict=True)]
    if isinstance(one, dict):
        return {key: _add(one.get(key, [0, 0]), two.get(key, [0, 0])) for key in sorted({*one, *two})}
    return one + two


def _copy(value: Any) -> Any:
    return {key: list(each) for key, each in value.items()} if isinstance(value, dict) else list(value)
