"""How much is traded for the time of day: a usual day, learnt candle by candle, and how busy today is."""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, log
from typing import Any

from ml4t.live.market.ewma import alpha_of

DAYS = 10
"""Days over which the usual volume of a time of day forgets."""
KNOWN = 3
"""Days on which a time of day must have traded before there is a usual volume for it."""
LEVEL_SPAN, SPREAD_SPAN = 20, 200
"""Candles over which today's level, and the spread around the usual, forget."""
TRIM = 3.0
"""A candle counts no further from what was expected than this many spreads: a spike must not become usual."""

_LEVEL, _SPREAD = alpha_of(LEVEL_SPAN), alpha_of(SPREAD_SPAN)


class UsualVolume:
    """The expected logarithm of a candle's volume: that of its time of day, plus today's level; and the spread around it."""

    __slots__ = ("_level", "_spread", "_usual")

    def __init__(self) -> None:
        self._usual: dict[int, tuple[float, int]] = {}
        self._level = 0.0
        self._spread = 0.5

    @property
    def spread(self) -> float:
        """The mean absolute distance of the logarithm from what was expected, as a standard deviation."""
        return self._spread * 1.2533141373155003  # sqrt(pi / 2)

    def expected(self, slot: int) -> float | None:
        """Return the volume expected of a whole candle in this slot of the day, None while that is not known."""
        usual = self._usual.get(slot)
        return exp(usual[0] + self._level) if usual is not None and usual[1] >= KNOWN else None

    def add(self, slot: int, volume: float) -> None:
        """Take the volume of a whole candle. One without volume says nothing of how much is traded when something is."""
        if volume <= 0.0:
            return
        seen = log(volume)
        usual, days = self._usual.get(slot, (seen, 0))
        if days >= KNOWN:
            reach = TRIM * self.spread
            off = max(-reach, min(reach, seen - usual - self._level))
            self._spread += _SPREAD * (abs(off) - self._spread)
            self._level += _LEVEL * off
            seen = usual + self._level + off
        days += 1
        self._usual[slot] = usual + (seen - usual) / min(days, DAYS), days

    def state(self) -> dict[str, Any]:
        """Return what must survive a restart, as plain JSON values."""
        return {"level": self._level, "spread": self._spread, "usual": [[k, *v] for k, v in self._usual.items()]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._level, self._spread = state["level"], state["spread"]
        self._usual = {slot: (usual, days) for slot, usual, days in state["usual"]}
