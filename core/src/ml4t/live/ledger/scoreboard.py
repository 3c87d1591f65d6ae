"""The scores of every group of forecasts, kept as they come, so that no screen ever reads the forecasts themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ml4t.live.journal import StatePut
from ml4t.live.ledger.scores import Score
from ml4t.live.model import Forecast, Resolution
from ml4t.live.times import to_datetime

SCORES = "score"
"""The bucket of the journal that holds the sums."""
ISSUED = "issued"
"""The bucket that holds how many forecasts were issued, by the same names: a small number that changes on its own."""


class Group(NamedTuple):
    """Forecasts of one model at one horizon: all of them, or those with one `value` of what they are told apart `by`."""

    model: str
    horizon: int
    by: str = ""
    """Empty for all of them, or symbol, regime, trigger, period (the month of issue, UTC)."""
    value: str = ""

    @property
    def name(self) -> str:
        """The name in the journal."""
        return f"{self.model}|{self.horizon}|{self.by}|{self.value}"

    @classmethod
    def of(cls, name: str) -> Group:
        """Return the group that `name` wrote."""
        model, horizon, by, value = name.split("|", 3)
        return cls(model, int(horizon), by, value)


class Scoreboard:
    """A score per group. How many groups there are depends on models, horizons, symbols and months, not on forecasts."""

    def __init__(self) -> None:
        self.scores: dict[Group, Score] = {}
        self._changed: dict[Group, Score] = {}

    def issue(self, forecast: Forecast) -> list[StatePut]:
        """Count a forecast that was issued; return what changes in the journal."""
        return [StatePut(ISSUED, group.name, self._count(group)) for group in groups_of(forecast)]

    def close(self, forecast: Forecast, outcome: Resolution, block: int) -> None:
        """Take in what became of a forecast."""
        for group in groups_of(forecast):
            score = self._score(group)
            score.add(forecast, outcome, block)
            self._changed[group] = score

    def changes(self) -> list[StatePut]:
        """Return what has changed in the journal since the last call."""
        changed, self._changed = self._changed, {}
        return [StatePut(SCORES, group.name, score.state()) for group, score in changed.items()]

    def total(self, model: str, horizon: int) -> Score:
        """Return the score of all forecasts of a model at a horizon."""
        return self.scores.get(Group(model, horizon), Score())

    def by_model(self) -> dict[str, Score]:
        """Return the score of each model; of one with several horizons the sums of all."""
        totals: dict[str, Score] = {}
        for group, score in self.scores.items():
            if not group.by:
                known = totals.get(group.model)
                totals[group.model] = score if known is None else known.plus(score)
        return totals

    def restore(self, scores: Mapping[str, Any], issued: Mapping[str, int]) -> None:
        """Take back what the journal holds."""
        self.scores = dict(read(scores, issued))

    def _count(self, group: Group) -> int:
        score = self._score(group)
        score.issued += 1
        return score.issued

    def _score(self, group: Group) -> Score:
        score = self.scores.get(group)
        if score is None:
            score = self.scores[group] = Score()
        return score


def groups_of(forecast: Forecast) -> Iterator[Group]:
    """Iterate over the groups that a forecast belongs to."""
    model, horizon = forecast.model, forecast.horizon
    yield Group(model, horizon)
    yield Group(model, horizon, "symbol", forecast.symbol)
    if forecast.regime:
        yield Group(model, horizon, "regime", forecast.regime)
    if forecast.trigger:
        yield Group(model, horizon, "trigger", forecast.trigger)
    yield Group(model, horizon, "period", f"{to_datetime(forecast.issued_at):%Y-%m}")


def read(scores: Mapping[str, Any], issued: Mapping[str, int]) -> Iterator[tuple[Group, Score]]:
    """Iterate over the scores that the two buckets of a journal hold."""
    for name in sorted({*scores, *issued}):
        yield Group.of(name), Score.from_state(scores.get(name, {}), issued.get(name, 0))
