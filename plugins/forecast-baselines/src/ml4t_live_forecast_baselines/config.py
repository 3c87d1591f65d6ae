"""The options of the baselines."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import and_, ge, lt


@frozen(kw_only=True)
class NaiveConfig:
    """The naive forecast has no options: it is the last price."""


@frozen(kw_only=True)
class DriftConfig:
    """How the drift is measured and how far it is carried on."""

    lookback: int = field(default=60, validator=ge(3))
    """From how many of the last prices (observations) the mean return is taken; with fewer there is no forecast."""

    steps: int = field(default=1, validator=ge(1))
    """How many observations lie in one horizon: 24 for hourly bars and a horizon of a day that trades around the clock."""

    dead_band: float = field(default=0.0, validator=and_(ge(0), lt(1)))
    """A predicted change of at most this fraction of the price is called sideways: 0.001 is 0.1 %."""
