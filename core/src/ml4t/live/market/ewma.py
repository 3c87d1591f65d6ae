"""Exponentially weighted variances of returns."""

from __future__ import annotations

from math import sqrt


def alpha_of(span: float) -> float:
    """Return the weight of the newest value, so that the weights' centre of mass is that of `span` equal ones."""
    return 2.0 / (span + 1.0)


class EwmaVariance:
    """The mean of squared returns, each weighing (1 - alpha) times the one after it; the first stands for all before."""

    __slots__ = ("alpha", "value")

    def __init__(self, span: float) -> None:
        self.alpha = alpha_of(span)
        self.value: float | None = None

    def add(self, change: float) -> None:
        """Take the next return."""
        square = change * change
        value = self.value
        self.value = square if value is None else value + self.alpha * (square - value)

    @property
    def deviation(self) -> float | None:
        """The standard deviation, None before the first return."""
        return None if self.value is None else sqrt(self.value)
