"""The threshold: a quantile that is learned online.

It is a linear quantile regression, fitted by stochastic gradient descent on the pinball loss of Koenker and Bassett,
Regression Quantiles, Econometrica 46 (1978). With a constant rate its intercept is the tracker of Gibbs and Candès, Adaptive
Conformal Inference Under Distribution Shift, NeurIPS 2021: every step adds `learning_rate * (exceeded - rate)`, so that after n
steps the share of exceedances differs from `rate` by no more than the way that the intercept has come, over
`learning_rate * n`. That holds for any data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from river import linear_model, optim

from trigger_adaptive.config import AdaptiveConfig

LARGEST_SCORE = 20.0
"""Moves beyond so many standard deviations count as this: a bad print must not teach anything else."""
LARGEST_FEATURE = 5.0
_BEFORE = "before"


class Threshold:
    """The score that a share of `rate` of all candles exceeds, given the score of the candle before."""

    def __init__(self, config: AdaptiveConfig, *, intercept: float | None = None, weight: float = 0.0) -> None:
        self._model = linear_model.LinearRegression(
            optimizer=optim.SGD(config.learning_rate),
            loss=optim.losses.Quantile(1.0 - config.rate),
            intercept_lr=config.learning_rate,
            intercept_init=config.start if intercept is None else intercept,
            initializer=optim.initializers.Constant(weight),
        )
        self._weight = weight

    def after(self, before: float) -> float:
        """Return the threshold for a candle whose predecessor had the score `before`."""
        return float(self._model.predict_one(_features(before)))  # type: ignore[no-untyped-call]

    def learn(self, before: float, score: float) -> None:
        """Learn from a candle of score `score` behind one of `before`."""
        self._model.learn_one(_features(before), min(score, LARGEST_SCORE))

    def state(self) -> dict[str, float]:
        """Return what was learned, as plain JSON values."""
        return {"intercept": float(self._model.intercept), "weight": float(self._model.weights.get(_BEFORE, self._weight))}

    @classmethod
    def restored(cls, config: AdaptiveConfig, state: Mapping[str, Any]) -> Threshold:
        """Return the threshold that `state` was taken of."""
        return cls(config, intercept=state["intercept"], weight=state["weight"])


def _features(before: float) -> dict[str, float]:
    return {_BEFORE: min(before, LARGEST_FEATURE)}
