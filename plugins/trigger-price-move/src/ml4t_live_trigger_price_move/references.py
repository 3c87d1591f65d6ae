"""What a move is measured from: one small object per symbol, O(1) amortised per price."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from ml4t_live_trigger_price_move.config import PriceMoveConfig

_ROUNDING = 1e-12
"""102 / 100 - 1 is not exactly 0.02 in binary; a move this close to the threshold has reached it."""


class Reference(Protocol):
    """Where the moves of one symbol start."""

    def crossed(self, time: int, price: float) -> float | None:
        """Take the next price; return the price that the move started from when this one completes a move, else None."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what must survive a restart, as plain JSON values."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        ...


class LastFiring:
    """The price that completed the last move; before the first move, the first price.

    A move in a direction that does not fire moves the reference too: without that, a trigger for falls would still be
    measuring from the price of years ago after a long rise.
    """

    __slots__ = ("_price", "_threshold", "_unwanted")

    def __init__(self, config: PriceMoveConfig) -> None:
        self._threshold = config.threshold - _ROUNDING
        self._unwanted = _unwanted(config)
        self._price: float | None = None

    def crossed(self, time: int, price: float) -> float | None:
        """Take the next price; return the price that the move started from when this one completes a move."""
        start = self._price
        if start is None:
            self._price = price
            return None
        side = _side(price / start - 1, self._threshold)
        if side == 0:
            return None
        self._price = price
        return None if side == self._unwanted else start

    def state(self) -> dict[str, Any]:
        """Return the reference price."""
        return {"price": self._price}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back the reference price."""
        self._price = state["price"]


class WindowAgo:
    """The price one window ago; while less than a window has been seen, the oldest price there is.

    The window is cut into slots, and the first price of each slot is kept: memory is bounded however many prices come.
    A side that has fired stays silent until its move has shrunk below the re-arm level.
    """

    __slots__ = ("_fired", "_kept", "_rearm", "_slot", "_threshold", "_unwanted", "_window")

    def __init__(self, config: PriceMoveConfig) -> None:
        assert config.window is not None, "PriceMoveConfig asks for it"
        self._window = config.window
        self._slot = -(-config.window // config.samples)
        self._threshold = config.threshold - _ROUNDING
        self._rearm = config.threshold * config.rearm
        self._unwanted = _unwanted(config)
        self._kept: deque[tuple[int, float]] = deque()
        self._fired = 0  # the side that is silent: 1 up, -1 down, 0 neither

    def crossed(self, time: int, price: float) -> float | None:
        """Take the next price; return the price that the move started from when this one completes a move."""
        kept = self._kept
        while len(kept) > 1 and kept[1][0] <= time - self._window:
            kept.popleft()
        start = kept[0][1] if kept else price
        if not kept or time // self._slot > kept[-1][0] // self._slot:
            kept.append((time, price))
        move = price / start - 1
        if self._fired and move * self._fired < self._rearm:
            self._fired = 0
        side = _side(move, self._threshold)
        if side in (0, self._fired, self._unwanted):
            return None
        self._fired = side
        return start

    def state(self) -> dict[str, Any]:
        """Return the kept prices and the silent side."""
        return {"kept": [list(pair) for pair in self._kept], "fired": self._fired}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back the kept prices and the silent side."""
        self._kept = deque((time, price) for time, price in state["kept"])
        self._fired = state["fired"]


def reference_of(config: PriceMoveConfig) -> Reference:
    """Return a fresh reference of the kind that the options name."""
    return WindowAgo(config) if config.reference == "window" else LastFiring(config)


def _side(move: float, threshold: float) -> int:
    if -threshold < move < threshold:
        return 0
    return 1 if move > 0 else -1


def _unwanted(config: PriceMoveConfig) -> int | None:
    return {"up": -1, "down": 1, "both": None}[config.direction]
