"""Whether what models say of their own certainty comes true, from the sums that the ledger keeps."""

from __future__ import annotations

from attrs import frozen

from ml4t.live.journal.queries import Queries
from ml4t.live.ledger.formulas import wilson
from ml4t.live.ledger.recall import recall
from ml4t.live.ledger.scores import Score
from ml4t.live.ledger.sums import ProbabilitySums, QuantileSums


@frozen
class Claim:
    """Forecasts that claimed about the same probability, and how often it came true.

    `low` and `high` are Wilson's 95 % interval, as if no two forecasts overlapped.
    """

    claimed: float
    came: float
    low: float
    high: float
    count: int


@frozen
class Calibration:
    """The calibration of a model at one horizon (nanoseconds); what it never predicted is empty."""

    model: str
    horizon: int
    directions: tuple[Claim, ...]
    """By the confidence in the direction named."""
    quantiles: tuple[Claim, ...]
    """By level: the share of prices at or below the quantile."""
    pit: tuple[int, ...]
    """How many prices fell into each part of equal probability: flat when calibrated, a U when overconfident."""
    calibrated: bool | None
    overconfidence: float | None

    @property
    def is_known(self) -> bool:
        """True when there is anything to show."""
        return bool(self.directions or self.quantiles or self.pit)


def calibrations(journal: Queries) -> tuple[Calibration, ...]:
    """Return the calibration of every model and horizon that says anything of its own certainty."""
    board, _, _ = recall(journal, by=lambda told: not told)
    found = (_calibration(group.model, group.horizon, score) for group, score in sorted(board.scores.items()) if not group.by)
    return tuple(each for each in found if each.is_known)


def _calibration(model: str, horizon: int, score: Score) -> Calibration:
    slots = tuple(score.distributions.slots)
    return Calibration(
        model,
        horizon,
        directions=_directions(score.probabilities),
        quantiles=_quantiles(score.quantiles),
        pit=slots if any(slots) else (),
        calibrated=score.calibrated,
        overconfidence=score.overconfidence,
    )


def _directions(sums: ProbabilitySums) -> tuple[Claim, ...]:
    bins = zip(sums.counts, sums.given, sums.hits, strict=True)
    return tuple(_claim(given / count, hits, count) for count, given, hits in bins if count)


def _quantiles(sums: QuantileSums) -> tuple[Claim, ...]:
    levels = sorted((float(level), count, below) for level, (count, below) in sums.below.items())
    return tuple(_claim(level, below, count) for level, count, below in levels if count)


def _claim(claimed: float, came: int, count: int) -> Claim:
    low, high = wilson(came, count)
    return Claim(claimed, came / count, low or 0.0, 1.0 if high is None else high, count)
