"""How good each model's forecasts were, from the sums that the ledger keeps."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

from attrs import frozen

from ml4t.live.ledger import Score

Z95 = 1.959963984540054


@frozen
class ModelSkill:
    """One model at one horizon (nanoseconds). Fractions, not per cent; None where nothing can be said yet."""

    model: str
    horizon: int
    issued: int
    resolved: int
    open: int
    declined: int
    hit_rate: float | None
    hit_low: float | None
    hit_high: float | None
    mean_absolute_error: float | None
    naive_error: float | None
    """Mean absolute error of predicting no change, on the same forecasts."""
    skill: float | None
    """1 - MAE / MAE of predicting no change: above 0 is better than naive, below 0 worse."""


def skills(scores: Mapping[str, Any], declined: Mapping[str, int]) -> list[ModelSkill]:
    """Return the skill of each model and horizon over all symbols, from the journal's `score` lines."""
    sums: dict[tuple[str, int], Score] = {}
    for name, state in scores.items():
        model, _, horizon = name.split("|")
        key = model, int(horizon)
        sums[key] = sums.get(key, Score()).plus(Score.from_state(state))
    lines = [_line(model, horizon, score, declined.get(model, 0)) for (model, horizon), score in sorted(sums.items())]
    silent = sorted(declined.keys() - {model for model, _ in sums})
    return lines + [_line(model, 0, Score(), declined[model]) for model in silent]


def _line(model: str, horizon: int, score: Score, declined: int) -> ModelSkill:
    low, high = wilson(score.hits, score.directions)
    return ModelSkill(
        model=model,
        horizon=horizon,
        issued=score.issued,
        resolved=score.resolved,
        open=score.issued - score.resolved - score.unresolvable,
        declined=declined,
        hit_rate=score.hit_rate,
        hit_low=low,
        hit_high=high,
        mean_absolute_error=score.mean_absolute_error,
        naive_error=score.naive_error / score.prices if score.prices else None,
        skill=score.skill,
    )


def wilson(hits: int, trials: int) -> tuple[float | None, float | None]:
    """Return the Wilson 95 % interval of a share; Nones without trials.

    Unlike the textbook interval it stays within 0 and 1 and is honest about ten forecasts.
    """
    if not trials:
        return None, None
    share, square = hits / trials, Z95 * Z95
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = Z95 / (1 + square / trials) * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)
