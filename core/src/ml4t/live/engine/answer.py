"""What a forecaster answered, by what it is."""

from __future__ import annotations

from typing import Any

import attrs

from ml4t.live.contracts.forecaster import OrderIntent, Weight
from ml4t.live.model import Forecast

_SAID = (Forecast, OrderIntent, Weight)


@attrs.frozen
class Answer:
    """The parts of an answer, each in the order in which it was given."""

    forecasts: list[Forecast]
    orders: list[OrderIntent]
    weights: list[Weight]


def answer_of(given: Any) -> Answer:
    """Return what a forecaster returned by what is in it. Raises TypeError for anything that has no place there."""
    answers = [] if given is None else [given] if isinstance(given, _SAID) else list(given)
    for said in answers:
        if not isinstance(said, _SAID):
            raise TypeError(f"{said!r} is no Forecast, OrderIntent or Weight; return one, a list of them, or None")
    return Answer(
        [said for said in answers if isinstance(said, Forecast)],
        [said for said in answers if isinstance(said, OrderIntent)],
        [said for said in answers if isinstance(said, Weight)],
    )
