"""The moves of one symbol: how far it has gone from its reference, and whether that fires."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml4t.live.sessions import Calendar
from ml4t_live_trigger_price_move.config import PriceMoveConfig
from ml4t_live_trigger_price_move.references import REFERENCES

_ROUNDING = 1e-12
"""102 / 100 - 1 is not exactly 0.02 in binary; a move this close to the threshold has reached it."""


class Moves:
    """Judges every price of a symbol.

    A reference that follows the price follows moves in a direction that does not fire, too: without that, a trigger for falls
    would still be measuring from the price of years ago after a long rise.
    """

    __slots__ = ("_rearm", "_silent", "_unwanted", "reference", "unit", "unit_at")

    def __init__(self, config: PriceMoveConfig) -> None:
        self.reference = REFERENCES[config.reference](config)
        self.unit: float | None = None
        """What the threshold is a number of, as a part of the price or in units of it; None while that is not known."""
        self.unit_at = -1
        """The count of candles that it comes from."""
        self._rearm = config.rearm
        self._unwanted = {"up": -1, "down": 1, "both": None}[config.direction]
        self._silent = 0  # the side that has fired: 1 up, -1 down, 0 neither

    def start(self, time: int, price: float, calendar: Calendar) -> float | None:
        """Take the next price; return the price that its move started from, None while there is none."""
        start = self.reference.start(time, price, calendar)
        if self.reference.renewed:
            self._silent = 0
        return start

    def fires(self, move: float, threshold: float, price: float) -> bool:
        """Return True when a move completes the threshold, both as parts of the reference."""
        if self._silent and move * self._silent < self._rearm * threshold:
            self._silent = 0
        if -threshold + _ROUNDING < move < threshold - _ROUNDING:
            return False
        side = 1 if move > 0 else -1
        if self.reference.completed(price):
            return side != self._unwanted
        if side in (self._silent, self._unwanted):
            return False
        self._silent = side
        return True

    def state(self) -> dict[str, Any]:
        """Return the reference and the silent side, as plain JSON values."""
        return {"reference": self.reference.state(), "silent": self._silent}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self.reference.restore(state["reference"])
        self._silent = state["silent"]
