"""The options."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import gt

from ml4t.live.config import Duration


@frozen(kw_only=True)
class GateConfig:
    """How much one order may be worth."""

    most: float = field(default=1_000.0, validator=gt(0))
    """The largest value of an order, in account currency."""


@frozen(kw_only=True)
class EveryConfig:
    """How often."""

    events: int = field(default=5, validator=gt(0))
    """It fires at every so many events."""

    rest: Duration = 0
    """How long it rests after that."""
