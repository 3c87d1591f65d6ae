"""How good each model's forecasts were, from the sums that the ledger keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from ml4t.live.journal.queries import Queries
from ml4t.live.ledger.evidence import SURE
from ml4t.live.ledger.recall import SUSPECTS, recall
from ml4t.live.ledger.scores import Score

GROUPS = ("symbol", "regime", "trigger", "period")
"""What forecasts can be told apart by."""


@frozen
class ModelSkill:
    """One model at one horizon (nanoseconds), or one group of its forecasts.

    Fractions, not per cent; None where nothing can be said yet. Errors are means, relative to the price at issue. Intervals
    are of 95 % and allow for overlap.
    """

    model: str
    horizon: int
    group: str
    """The value of what the forecasts were told apart by; empty for all of them."""
    issued: int
    resolved: int
    late: int
    unresolvable: int
    open: int
    declined: int
    hit_rate: float | None
    hit_low: float | None
    hit_high: float | None
    mean_absolute_error: float | None
    root_mean_square_error: float | None
    naive_error: float | None
    """Mean absolute error of predicting no change, on the same forecasts."""
    skill: float | None
    """1 - score / score of the naive forecast: above 0 is better than naive, below 0 worse."""
    skill_low: float | None
    skill_high: float | None
    e_value: float | None
    """Evidence of skill that holds however often one looks: from 20 on there is skill, at the 5 % level."""
    brier: float | None
    log_score: float | None
    pinball: float | None
    crps: float | None
    calibrated: bool | None
    overconfidence: float | None
    """How much more the model claims of its certainty than comes true, as a probability."""
    gain: float | None
    """The mean return of following it, one unit a forecast, after costs."""
    drawdown: float | None
    """The deepest fall of the sum of those returns."""
    suspect: str
    """Why it looks like a model that knows the outcome; empty when it does not."""

    @property
    def verdict(self) -> str:
        """What can be said of it in a few words."""
        if self.suspect:
            return "suspect: it may know the outcome"
        if self.e_value is not None and self.e_value >= SURE:
            return "skill"
        if self.skill_high is not None and self.skill_high < 0:
            return "worse than naive"
        return "no skill shown"


def skills(
    journal: Queries, declined: Mapping[str, int], *, by: str = "", models: Iterable[str] | None = None
) -> list[ModelSkill]:
    """Return the skill of each model and horizon, from a journal; `by` symbol, regime, trigger or period."""
    board, _, _ = recall(journal, by=lambda told: told == by)
    suspects = journal.state(SUSPECTS)
    lines = [
        _line(group.model, group.horizon, group.value, score, declined, suspects.get(f"{group.model}|{group.horizon}", ""))
        for group, score in board.scores.items()
        if group.by == by
    ]
    if not by:
        silent = declined.keys() - {line.model for line in lines}
        lines += [_line(model, 0, "", Score(), declined, "") for model in silent]
    wanted = None if models is None else set(models)
    lines.sort(key=lambda line: (not line.issued, line.model, line.horizon, line.group))
    return [line for line in lines if wanted is None or line.model in wanted]


def _line(model: str, horizon: int, group: str, score: Score, declined: Mapping[str, int], suspect: str) -> ModelSkill:
    hit_low, hit_high = score.hit_interval
    skill_low, skill_high = score.skill_interval
    points, probabilities, gains = score.points, score.probabilities, score.gains
    return ModelSkill(
        model=model,
        horizon=horizon,
        group=group,
        issued=score.issued,
        resolved=score.resolved,
        late=score.late,
        unresolvable=score.unresolvable,
        open=score.open,
        declined=0 if group else declined.get(model, 0),
        hit_rate=score.hit_rate,
        hit_low=hit_low,
        hit_high=hit_high,
        mean_absolute_error=score.mean_absolute_error,
        root_mean_square_error=points.root_mean_square,
        naive_error=_mean(points.naive, points.count),
        skill=score.skill,
        skill_low=skill_low,
        skill_high=skill_high,
        e_value=score.e_value,
        brier=_mean(probabilities.brier, probabilities.count),
        log_score=_mean(probabilities.log_score, probabilities.count),
        pinball=_mean(score.quantiles.pinball, score.quantiles.count),
        crps=_mean(score.distributions.crps, score.distributions.count),
        calibrated=score.calibrated,
        overconfidence=score.overconfidence,
        gain=_mean(gains.gain, gains.count),
        drawdown=gains.drawdown if gains.count else None,
        suspect=suspect,
    )


def _mean(total: float, count: int) -> float | None:
    return total / count if count else None
