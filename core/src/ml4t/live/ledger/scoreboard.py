"""The scores of every group of forecasts, kept as they come, so that no screen ever reads the forecasts themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ml4t.live.ledger.baseline import Baseline
from ml4t.live.ledger.outcome import direction_of
from ml4t.live.ledger.scores import Score
from ml4t.live.model import Forecast, ForecastState, Resolution
from ml4t.live.times import to_datetime

_SCORE, _PAST = "score|", "past|"


class Group(NamedTuple):
    """Forecasts of one model at one horizon: all of them, or those with one `value` of what they are told apart `by`."""

    model: str
    horizon: int
    by: str = ""
    """Empty for all of them, or symbol, regime, trigger, period (the month of issue, UTC)."""
    value: str = ""

    @property
    def text(self) -> str:
        """The name in the journal."""
        return f"{_SCORE}{self.model}|{self.horizon}|{self.by}|{self.value}"

    @classmethod
    def of(cls, text: str) -> Group:
        """Return the group that `text` wrote."""
        model, horizon, by, value = text.removeprefix(_SCORE).split("|", 3)
        return cls(model, int(horizon), by, value)


class Past(NamedTuple):
    """What happened to one symbol over one horizon."""

    symbol: str
    horizon: int

    @property
    def text(self) -> str:
        """The name in the journal."""
        return f"{_PAST}{self.symbol}|{self.horizon}"

    @classmethod
    def of(cls, text: str) -> Past:
        """Return the name that `text` wrote."""
        symbol, horizon = text.removeprefix(_PAST).rsplit("|", 1)
        return cls(symbol, int(horizon))


class Scoreboard:
    """A score per group, and what later forecasts must beat.

    How many there are depends on models, horizons, symbols and months, not on forecasts. It is a fold over the records of
    the ledger: the same records in the same order give the same scores, to the last bit.
    """

    def __init__(self) -> None:
        self.scores: dict[Group, Score] = {}
        self.baselines: dict[Past, Baseline] = {}
        self._changed: dict[Group | Past, Score | Baseline] = {}

    def issue(self, forecast: Forecast) -> None:
        """Count a forecast that was issued."""
        for group in groups_of(forecast):
            self._score(group).issued += 1

    def close(self, forecast: Forecast, outcome: Resolution) -> None:
        """Take in what became of a forecast."""
        for group in groups_of(forecast):
            self._score(group).add(forecast, outcome)
        if outcome.state is ForecastState.RESOLVED and outcome.price is not None:
            key = Past(forecast.symbol, forecast.horizon)
            baseline = self._changed[key] = self.baselines.setdefault(key, Baseline())
            change = outcome.price / forecast.reference_price - 1.0
            baseline.add(change, direction_of(change), forecast.issued_at)

    def baseline(self, forecast: Forecast) -> Baseline:
        """Return what is known of the past of a forecast's symbol over its horizon."""
        return self.baselines.get(Past(forecast.symbol, forecast.horizon)) or Baseline()

    def total(self, model: str, horizon: int) -> Score:
        """Return the score of all forecasts of a model at a horizon."""
        return self.scores.get(Group(model, horizon)) or Score()

    def by_model(self) -> dict[str, Score]:
        """Return the score of each model; of one with several horizons the sums of all."""
        totals: dict[str, Score] = {}
        for group, score in self.scores.items():
            if not group.by:
                known = totals.get(group.model)
                totals[group.model] = score if known is None else known.plus(score)
        return totals

    def changes(self) -> list[tuple[str, Any]]:
        """Return what has changed since the last call, as names and values for the journal."""
        changed, self._changed = self._changed, {}
        return [(name.text, each.state()) for name, each in changed.items()]

    def restore(self, state: Mapping[str, Any], *, by: Callable[[str], bool] = lambda _: True) -> None:
        """Take back what `changes` gave; of the groups only those told apart `by` what is wanted."""
        for text, value in state.items():
            if text.startswith(_SCORE):
                group = Group.of(text)
                if by(group.by):
                    self.scores[group] = Score.from_state(value)
            elif text.startswith(_PAST):
                self.baselines[Past.of(text)] = Baseline.from_state(value)

    def _score(self, group: Group) -> Score:
        score = self.scores.get(group)
        if score is None:
            score = self.scores[group] = Score()
        self._changed[group] = score
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
