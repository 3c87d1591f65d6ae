"""How much each model counts: what the operator says, or else what critics have said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from numbers import Real
from typing import Any

import attrs

from ml4t.live.config.problem import did_you_mean
from ml4t.live.contracts.forecaster import Weight
from ml4t.live.journal import RecordKind, StatePut
from ml4t.live.orders.ports import Recorder

BUCKET = "weight"
"""Where the journal keeps what holds now."""

OPERATOR = "the configuration"
"""Who says what a configuration says."""


@attrs.frozen
class Weighing:
    """The weight of one model, as it was said last, at `time` (nanoseconds UTC); `before` is what held until then, and why."""

    weight: float = 1.0
    reason: str = ""
    by: str = ""
    time: int = 0
    before: float = 1.0
    why_before: str = ""
    said: tuple[str, ...] = ()
    """Who has said something at that time, and on what occasion: told again after a crash, it is known."""

    @property
    def why(self) -> str:
        """Who said it, and why."""
        return f"{self.by}: {self.reason}" if self.reason else self.by


class Weights:
    """The weights of all models of a run, 1 unless somebody has said something else.

    Critics change them; `fixed` are those of the operator, and what critics say of these is left out. A change holds from
    the next moment on: what is asked at the same moment is asked as if nothing had been said, so that neither the order of
    answers nor a crash between two of them makes a difference. Every change is a record, and what holds now is part of its
    transaction.
    """

    def __init__(self, fixed: Mapping[str, float | None], record: Recorder) -> None:
        self._fixed = {model: float(weight) for model, weight in fixed.items() if weight is not None}
        self._held = {model: Weighing() for model in fixed}
        self._record = record

    def restore(self, state: Mapping[str, Mapping[str, Any]]) -> None:
        """Take back what earlier runs were told, and record what the operator says now.

        Of models that are no more it is kept in the journal alone.
        """
        for model in [each for each in self._held if each in state]:
            self._held[model] = Weighing(**dict(state[model]) | {"said": tuple(state[model]["said"])})
        for model, held in self._held.items():
            wanted = self._fixed.get(model)
            if wanted is None and held.by == OPERATOR:
                self._note(model, Weighing(reason="it says nothing any more"))
            elif wanted is not None and (held.by, held.weight) != (OPERATOR, wanted):
                self._note(model, Weighing(wanted, by=OPERATOR, before=wanted, why_before=OPERATOR))

    def at(self, time: int) -> dict[str, float]:
        """Return the weight of every model for what is asked at `time`."""
        return {model: self._weight(model, time) for model in self._held}

    def why_not(self, model: str, time: int) -> str:
        """Return who says that a model is not to be asked, and why; empty when it may be."""
        if self._weight(model, time) > 0.0:
            return ""
        held = self._held[model]
        return f"weight 0, by {held.why if time > held.time else held.why_before}"

    def check(self, weights: Sequence[Weight], by: str) -> None:
        """Raise ValueError unless all of them make sense: then none of them is to be applied."""
        named: set[str] = set()
        for weight in weights:
            if weight.model == by:
                raise ValueError(f"{by} weighs itself; a model cannot judge itself")
            if weight.model not in self._held:
                others = did_you_mean(str(weight.model), self._held) or f"; there are {', '.join(sorted(self._held))}"
                raise ValueError(f"{by} weighs {weight.model!r}, which is no model of this run{others}")
            if weight.model in named:
                raise ValueError(f"{by} weighs {weight.model} twice in one answer")
            named.add(weight.model)
            value: Any = weight.weight
            if isinstance(value, bool) or not isinstance(value, Real) or not isfinite(value) or value < 0:
                raise ValueError(f"{by} gives {weight.model} the weight {value!r}, which is no finite number from 0 up")

    def apply(self, weights: Iterable[Weight], *, by: str, cause: str, time: int) -> None:
        """Take in what `by` said on the occasion of `cause` at `time` (nanoseconds UTC); what is known already is left out."""
        for weight in [each for each in weights if each.model not in self._fixed]:
            held, occasion = self._held[weight.model], f"{by}|{cause}"
            again = held.time == time
            if again and occasion in held.said:
                continue
            new = Weighing(
                float(weight.weight),
                str(weight.reason),
                by,
                time,
                held.before if again else held.weight,
                held.why_before if again else held.why,
                (*held.said, occasion) if again else (occasion,),
            )
            self._note(weight.model, new, cause)

    def _note(self, model: str, new: Weighing, cause: str = "") -> None:
        held, self._held[model] = self._held[model], new
        body = {"weight": new.weight, "before": held.weight, "reason": new.reason, "by": new.by or OPERATOR, "firing": cause}
        self._record(RecordKind.WEIGHT, model, body, state=(StatePut(BUCKET, model, attrs.asdict(new)),))

    def _weight(self, model: str, time: int) -> float:
        held = self._held[model]
        return held.weight if time > held.time else held.before
