"""A critic: it reads how good the other models were, and says how much each counts."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp
from typing import Any

from attrs import asdict, evolve, frozen

from ml4t.live.contracts import ForecastRequest, PastScore, Weight
from ml4t.live.times import to_datetime
from ml4t_live_agents.config import PerformanceCriticConfig

STEEPEST = 20.0
"""Skill in temperatures beyond which a weight grows and shrinks no more."""


LEAST = 0.001
"""The weight of a model that is as bad as can be and not disabled: 0 would disable it, with no way back."""


@frozen
class Record:
    """How a model stands with the critic, since when (nanoseconds UTC), and the evidence of then.

    `disabled` is how often it has been. Evidence is looked at as a multiple of what it was: that, too, is evidence from
    there on.
    """

    stands: str = "good"
    """good, disabled or probation."""
    since: int = 0
    disabled: int = 0
    against: float = 1.0
    skill: float = 1.0


class PerformanceCritic:
    """Weighs models by their skill, disables those that are worse than naive, and gives them another chance.

    - Disabled: evidence that the model is worse than naive has grown by the factor `disable_at`, and that it has skill has
      not. Both are e-processes, so looking often does no harm.
    - Probation: after `probation_after` (doubled each further time) it is asked again, with a fixed weight. When the evidence
      against it grows by the same factor once more, it is disabled again; when it falls by it, or evidence of skill grows by
      it, the model is as good as any.
    - Weight: exp(skill / `temperature`), the skill drawn to zero as far as forecasts are few, over the mean of all.
    """

    def __init__(self, config: PerformanceCriticConfig) -> None:
        self.config = config
        self._records: dict[str, Record] = {}

    async def forecast(self, request: ForecastRequest) -> list[Weight]:
        """Return the weights that are others than they were."""
        scores = self._scores(request)
        for model, score in scores.items():
            self._records[model] = self._judge(self._records.get(model, Record()), score, request.time)
        raw = {model: self._raw(score) for model, score in scores.items()}
        good = [raw[model] for model in raw if self._records[model].stands == "good"]
        usual = sum(good) / len(good) if good else 1.0
        weights = [self._weight(scores[model], raw[model] / usual) for model in scores]
        return [weight for weight in weights if self._is_news(weight, request.weights[weight.model])]

    def state(self) -> dict[str, Any]:
        """Return how everybody stands."""
        return {model: asdict(record) for model, record in self._records.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take it back."""
        self._records = {model: Record(**record) for model, record in state.items()}

    def _scores(self, request: ForecastRequest) -> dict[str, PastScore]:
        """Return the score of each model to be judged, at the horizon at which most is known of it."""
        judged = [model for model in self.config.models or request.weights if model != request.model]
        found: dict[str, PastScore] = {}
        for score in request.scores.values():
            known = found.get(score.model)
            if score.model in judged and score.model in request.weights and (known is None or score.resolved > known.resolved):
                found[score.model] = score
        return found

    def _judge(self, record: Record, score: PastScore, now: int) -> Record:
        against, skill, enough = score.e_against or 1.0, score.e_value or 1.0, self.config.disable_at
        if record.stands == "disabled":
            wait = self.config.probation_after * 2 ** (record.disabled - 1)
            return Record("probation", now, record.disabled, against, skill) if now >= record.since + wait else record
        worse, better = against / record.against, skill / record.skill
        if worse >= enough and better < enough:
            return Record("disabled", now, record.disabled + 1, against, skill)
        if record.stands == "probation" and (better >= enough or worse <= 1.0 / enough):
            return evolve(record, stands="good", since=now, against=against, skill=skill)
        return record

    def _raw(self, score: PastScore) -> float:
        known = score.effective or 0.0
        skill = (score.skill or 0.0) * known / (known + self.config.shrink) if known else 0.0
        return exp(max(-STEEPEST, min(STEEPEST, skill / self.config.temperature)))

    def _weight(self, score: PastScore, relative: float) -> Weight:
        record = self._records[score.model]
        if record.stands == "disabled":
            why = f"evidence of {record.against:.3g} that it is worse than naive"
            return Weight(score.model, 0.0, f"{why} ({_known(score)})")
        if record.stands == "probation":
            since = f"on probation since {to_datetime(record.since):%Y-%m-%d %H:%M} UTC"
            return Weight(score.model, self.config.probation_weight, f"{since} ({_known(score)})")
        return Weight(score.model, max(LEAST, round(relative, 3)), _known(score))

    def _is_news(self, weight: Weight, current: float) -> bool:
        if (weight.weight == 0.0) is not (current == 0.0):
            return True
        return abs(weight.weight - current) > self.config.smallest_change


def _known(score: PastScore) -> str:
    skill = "no skill known" if score.skill is None else f"skill {score.skill:+.3f}"
    return f"{skill}, {score.resolved:,} forecasts resolved"
