"""The triggers of the classic configuration, as tables of triggers that are plugins."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from ml4t.live.config.problem import did_you_mean


class TriggerType(StrEnum):
    """What an agent waits for."""

    TIME_BASED = "time_based"
    PRICE_MOVE = "price_move"
    VOLUME_SPIKE = "volume_spike"
    VOLATILITY_SPIKE = "volatility_spike"
    MANUAL = "manual"


@attrs.frozen
class TriggerConfig:
    """When an agent is asked.

    `interval_seconds` counts for `time_based`; `price_move_threshold` (a fraction: 0.01 is 1 %, from the last firing) for
    `price_move`; `volume_spike_threshold` (times the usual volume, above 1) for `volume_spike`; `volatility_threshold` (the
    standard deviation of returns from minute to minute, a fraction) for `volatility_spike`. The type may be given as its text.
    Raises ValueError for one that there is not.
    """

    trigger_type: TriggerType = attrs.field(converter=TriggerType)
    interval_seconds: float = 60
    price_move_threshold: float = 0.01
    volume_spike_threshold: float = 2.0
    volatility_threshold: float = 0.02
    enabled: bool = True

    @classmethod
    def of(cls, said: Mapping[str, Any] | TriggerConfig) -> TriggerConfig:
        """Return the trigger that a dictionary describes. Raises ValueError in words that say what to write."""
        if isinstance(said, TriggerConfig):
            return said
        known = [field.name for field in attrs.fields(cls)]
        for key in said:
            if key not in known:
                raise ValueError(f"{key} is no option of a trigger{did_you_mean(key, known)}")
        kinds = [kind.value for kind in TriggerType]
        if said.get("trigger_type") not in kinds:
            raise ValueError(f"trigger_type = {said.get('trigger_type')!r}: write one of {', '.join(kinds)}")
        return cls(**said)

    @property
    def table(self) -> dict[str, Any]:
        """The table of the trigger in a configuration."""
        table = {"enabled": self.enabled}
        match self.trigger_type:
            case TriggerType.TIME_BASED:
                return table | {"use": "trigger-time", "every": f"{self.interval_seconds:g}s"}
            case TriggerType.PRICE_MOVE:
                return table | {"use": "trigger-price-move", "threshold": self.price_move_threshold}
            case TriggerType.VOLUME_SPIKE:
                return table | {"use": "trigger-volume-spike", "multiple": self.volume_spike_threshold}
            case TriggerType.VOLATILITY_SPIKE:
                return table | {"use": "trigger-volatility", "threshold": self.volatility_threshold}
            case TriggerType.MANUAL:
                return table | {"use": "trigger-manual"}
