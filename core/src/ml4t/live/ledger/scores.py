"""Running scores: sums that answer at once, however many forecasts there were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, field

from ml4t.live.ledger.evidence import Evidence
from ml4t.live.ledger.formulas import central_slots, wilson
from ml4t.live.ledger.overlap import OverlapMean
from ml4t.live.ledger.sums import DirectionSums, DistributionSums, GainSums, PointSums, ProbabilitySums, QuantileSums, Sums
from ml4t.live.model import Forecast, ForecastState, Resolution

NOMINAL = 0.8
"""The share of prices that the central interval of a distribution should cover, for the judgement of its calibration."""

TOO_GOOD_HITS = 0.8
TOO_GOOD_SKILL = 0.5
"""A lower bound of the hit rate, or of the skill against naive, that no honest model of a market reaches."""


@define
class Score:
    """What is known of forecasts of one model at one horizon, all of them or those of one group (or several added up).

    `means` are the means that overlap in time (see `OverlapMean`), `evidence` the e-processes; both are empty in a score
    that was added up, because what happened at the same time cannot be told any more.
    """

    issued: int = 0
    resolved: int = 0
    late: int = 0
    unresolvable: int = 0
    points: PointSums = field(factory=PointSums)
    directions: DirectionSums = field(factory=DirectionSums)
    probabilities: ProbabilitySums = field(factory=ProbabilitySums)
    quantiles: QuantileSums = field(factory=QuantileSums)
    distributions: DistributionSums = field(factory=DistributionSums)
    gains: GainSums = field(factory=GainSums)
    means: dict[str, OverlapMean] = field(factory=dict)
    evidence: dict[str, Evidence] = field(factory=dict)

    def add(self, forecast: Forecast, outcome: Resolution) -> None:
        """Take in one forecast that is closed."""
        if outcome.state is ForecastState.UNRESOLVABLE:
            self.unresolvable += 1
        elif outcome.state is ForecastState.LATE:
            self.late += 1
        else:
            self.resolved += 1
            self._judge(forecast, outcome, outcome.block)

    @property
    def open(self) -> int:
        """How many wait for their horizon."""
        return self.issued - self.resolved - self.late - self.unresolvable

    @property
    def hit_rate(self) -> float | None:
        """Share of right directions among forecasts that named one."""
        return self.directions.hits / self.directions.count if self.directions.count else None

    @property
    def hit_interval(self) -> tuple[float | None, float | None]:
        """The 95 % interval of the hit rate: Wilson's, for as many forecasts as would say as much without overlap."""
        rate, mean = self.hit_rate, self.means.get("hit")
        if rate is None or mean is None:
            return None, None
        trials = mean.effective_count
        return wilson(rate * trials, trials)

    @property
    def mean_absolute_error(self) -> float | None:
        """Mean absolute error as a fraction of the reference price."""
        return self.points.absolute / self.points.count if self.points.count else None

    @property
    def skill(self) -> float | None:
        """The skill of the first that the model gives: prices, distributions, quantiles, probabilities.

        1 - score / score of the naive forecast: 0 is naive, below 0 worse.
        """
        kinds = (self.points, self.distributions, self.quantiles, self.probabilities)
        return next((kind.skill for kind in kinds if kind.count and kind.skill is not None), None)

    @property
    def skill_interval(self) -> tuple[float | None, float | None]:
        """The 95 % interval of that skill: that of the mean gain over naive (Newey-West), over the mean naive score."""
        for name, count, naive in (
            ("error", self.points.count, self.points.naive),
            ("crps", self.distributions.compared, self.distributions.naive_crps),
            ("pinball", self.quantiles.compared, self.quantiles.naive_pinball),
            ("brier", self.probabilities.count, self.probabilities.naive_brier),
        ):
            mean = self.means.get(name)
            if count and naive and mean is not None:
                low, high = mean.interval()
                return (None, None) if low is None or high is None else (low * count / naive, high * count / naive)
        return None, None

    @property
    def e_value(self) -> float | None:
        """The evidence that the model beats naive, however often one looks: the mean over what it predicts."""
        found = [each.value for each in self.evidence.values()]
        return sum(found) / len(found) if found else None

    @property
    def calibrated(self) -> bool | None:
        """False when what the model says of its own certainty is refuted at 1 %, None when too little is known to judge."""
        judged = [self.means[name].interval(0.99) for name in ("coverage", "confidence") if name in self.means]
        known = [(low, high) for low, high in judged if low is not None and high is not None]
        if not known:
            return None
        return all(low <= 0.0 <= high for low, high in known)

    @property
    def overconfidence(self) -> float | None:
        """How much more the model claims than comes true, as a probability; below 0 it is too modest."""
        for name in ("coverage", "confidence"):
            mean = self.means.get(name)
            if mean is not None and mean.mean is not None:
                return -mean.mean
        return None

    @property
    def too_good(self) -> str:
        """Why this looks like a model that knows the outcome, in words; empty when it does not."""
        hit_low, skill_low = self.hit_interval[0], self.skill_interval[0]
        if skill_low is not None and skill_low > TOO_GOOD_SKILL:
            return f"its skill against naive is above {skill_low:.2f}, and no model of a market is so good"
        mean = self.means.get("hit")
        judged = mean is not None and mean.long_run_variance is not None
        if judged and hit_low is not None and hit_low > TOO_GOOD_HITS:
            return f"its hit rate is above {hit_low:.0%}, and no model of a market is so good"
        return ""

    def plus(self, other: Score) -> Score:
        """Return the sums of both."""
        both: dict[str, Any] = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        both |= {name: getattr(self, name).plus(getattr(other, name)) for name in _KINDS}
        return Score(**both)

    def state(self) -> dict[str, Any]:
        """Return it for the journal, as it is now; what was never used is left out."""
        kinds = {name: getattr(self, name) for name in _KINDS}
        state: dict[str, Any] = {name: kind.state() for name, kind in kinds.items() if kind.count}
        state["counts"] = [self.issued, self.resolved, self.late, self.unresolvable]
        if self.means:
            state["means"] = {name: mean.state() for name, mean in self.means.items()}
        if self.evidence:
            state["evidence"] = {name: each.state() for name, each in self.evidence.items()}
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Score:
        """Return what `state` wrote."""
        kinds: dict[str, Any] = {name: kind(*state[name]) for name, kind in _KINDS.items() if name in state}
        made = cls(*state["counts"], **kinds)
        made.means = {name: OverlapMean.from_state(each) for name, each in state.get("means", {}).items()}
        made.evidence = {name: Evidence.from_state(each) for name, each in state.get("evidence", {}).items()}
        return made

    def _judge(self, forecast: Forecast, outcome: Resolution, block: int) -> None:
        unit = forecast.reference_price
        if outcome.absolute_error is not None and forecast.price is not None:
            self.points.add(forecast, outcome)
            gain = (outcome.naive_error or 0.0) - outcome.absolute_error
            self._note("error", gain / unit, block)
            # |naive error - error| is at most the move that was predicted, which is known at issue: the bet is bounded by it.
            move = abs(forecast.price - unit)
            self._bet("error", gain / move if move else 0.0, block)
        if outcome.direction_hit is not None:
            self.directions.add(outcome)
            self._note("hit", float(outcome.direction_hit), block)
            self._bet("hit", outcome.direction_hit - max(0.5, forecast.naive_confidence or 0.0), block)
        if outcome.brier is not None and forecast.confidence is not None:
            self._judge_confidence(forecast, forecast.confidence, outcome, block)
        if outcome.pinball is not None:
            self.quantiles.add(forecast, outcome)
            if outcome.naive_pinball is not None:
                self._note("pinball", (outcome.naive_pinball - outcome.pinball) / unit, block)
        if outcome.crps is not None:
            self.distributions.add(forecast, outcome)
            if outcome.naive_crps is not None:
                self._note("crps", (outcome.naive_crps - outcome.crps) / unit, block)
        if outcome.covered is not None:
            self._note("coverage", outcome.covered - nominal_coverage(forecast), block)
        if outcome.gain is not None:
            self.gains.add(outcome)
            self._note("gain", outcome.gain, block)

    def _judge_confidence(self, forecast: Forecast, given: float, outcome: Resolution, block: int) -> None:
        hit = bool(outcome.direction_hit)
        base = 0.5 if forecast.naive_confidence is None else forecast.naive_confidence
        naive = (base - hit) ** 2
        self.probabilities.add(given, naive, outcome)
        self._note("brier", naive - (outcome.brier or 0.0), block)
        self._bet("brier", naive - (outcome.brier or 0.0), block)
        # A confidence below one half is a claim that the direction is wrong: it is overconfident when that comes true less.
        self._note("confidence", hit - given if given >= 0.5 else given - hit, block)

    def _note(self, name: str, value: float, block: int) -> None:
        mean = self.means.get(name)
        if mean is None:
            mean = self.means[name] = OverlapMean()
        mean.add(value, block)

    def _bet(self, name: str, gain: float, block: int) -> None:
        evidence = self.evidence.get(name)
        if evidence is None:
            evidence = self.evidence[name] = Evidence()
        evidence.add(gain, block)


_COUNTS = ("issued", "resolved", "late", "unresolvable")
_KINDS: dict[str, type[Sums]] = {
    "points": PointSums,
    "directions": DirectionSums,
    "probabilities": ProbabilitySums,
    "quantiles": QuantileSums,
    "distributions": DistributionSums,
    "gains": GainSums,
}


def central_levels(forecast: Forecast) -> tuple[float, float] | None:
    """Return the outermost pair of quantile levels around one half that a forecast names, None when it names none."""
    levels = sorted(forecast.quantiles or ())
    for low in levels:
        high = next((level for level in levels if abs(low + level - 1.0) < 1e-9), None)
        if high is not None and low < high:
            return low, high
    return None


def nominal_coverage(forecast: Forecast) -> float:
    """Return the share of prices that the interval which `Resolution.covered` speaks of should cover."""
    if forecast.distribution is not None:
        return NOMINAL
    if forecast.samples is not None:
        first, last = central_slots(len(forecast.samples), NOMINAL)
        return (last - first + 1) / (len(forecast.samples) + 1)
    pair = central_levels(forecast)
    return pair[1] - pair[0] if pair is not None else NOMINAL
