"""What a move is measured from: one small object per symbol, O(1) amortised per price."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ml4t.live.sessions import Calendar
from ml4t_live_trigger_price_move.config import PriceMoveConfig


class Reference(Protocol):
    """Where the moves of one symbol start."""

    renewed: bool
    """True when the last price has replaced the reference: what was silent because of the one before is so no more."""

    def start(self, time: int, price: float, calendar: Calendar) -> float | None:
        """Take the next price; return the price that its move started from, None while there is none."""
        ...

    def completed(self, price: float) -> bool:
        """Take note of the price that completed a move; return True when the next one starts there."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what must survive a restart, as plain JSON values."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        ...


class Fixed:
    """A reference that stays when a move from it is complete."""

    __slots__ = ()
    renewed = False

    def completed(self, price: float) -> bool:
        """Stay."""
        return False


class Anchor(Fixed):
    """The first price from a moment on."""

    __slots__ = ("_from", "_price")

    def __init__(self, config: PriceMoveConfig) -> None:
        self._from = config.anchored_at
        self._price: float | None = None

    def start(self, time: int, price: float, calendar: Calendar) -> float | None:
        """Return the reference price, None before the moment."""
        if self._price is None and time >= self._from:
            self._price = price
        return self._price

    def state(self) -> dict[str, Any]:
        """Return the reference price."""
        return {"price": self._price}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back the reference price."""
        self._price = state["price"]


class LastFiring(Anchor):
    """The price that completed the last move; before the first move, the first price."""

    __slots__ = ()

    def completed(self, price: float) -> bool:
        """Follow the price."""
        self._price = price
        return True


class PreviousClose(Fixed):
    """The last price of the trading day before; None on the first day."""

    __slots__ = ("_close", "_end", "_last", "renewed")

    def __init__(self, _: PriceMoveConfig) -> None:
        self._end = 0
        self._last: float | None = None
        self._close: float | None = None
        self.renewed = False

    def start(self, time: int, price: float, calendar: Calendar) -> float | None:
        """Take the price; return the close of the day before."""
        self.renewed = time >= self._end
        if self.renewed:
            self._end = calendar.day_end(time)
            self._close = self._last
        self._last = price
        return self._close

    def state(self) -> dict[str, Any]:
        """Return the two prices and the end of the day."""
        return {"end": self._end, "last": self._last, "close": self._close}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._end, self._last, self._close = state["end"], state["last"], state["close"]


class SessionOpen(Fixed):
    """The first price of the trading day within its hours; None before."""

    __slots__ = ("_end", "_open", "renewed")

    def __init__(self, _: PriceMoveConfig) -> None:
        self._end = 0
        self._open: float | None = None
        self.renewed = False

    def start(self, time: int, price: float, calendar: Calendar) -> float | None:
        """Take the price; return the open of the day."""
        self.renewed = time >= self._end
        if self.renewed:
            self._end = calendar.day_end(time)
            self._open = None
        if self._open is None and calendar.is_open(time):
            self._open = price
        return self._open

    def state(self) -> dict[str, Any]:
        """Return the open and the end of the day."""
        return {"end": self._end, "open": self._open}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` returned."""
        self._end, self._open = state["end"], state["open"]


class WindowAgo(Fixed):
    """The price one window ago; while less than a window has been seen, the oldest price there is.

    The window is cut into slots, and the first price of each slot is kept: memory is bounded however many prices come.
    """

    __slots__ = ("_kept", "_slot", "_window")

    def __init__(self, config: PriceMoveConfig) -> None:
        assert config.window is not None, "PriceMoveConfig asks for it"
        self._window = config.window
        self._slot = -(-config.window // config.samples)
        self._kept: deque[tuple[int, float]] = deque()

    def start(self, time: int, price: float, calendar: Calendar) -> float | None:
        """Take the price; return the one a window ago."""
        kept = self._kept
        while len(kept) > 1 and kept[1][0] <= time - self._window:
            kept.popleft()
        start = kept[0][1] if kept else price
        if not kept or time // self._slot > kept[-1][0] // self._slot:
            kept.append((time, price))
        return start

    def state(self) -> dict[str, Any]:
        """Return the kept prices."""
        return {"kept": [list(pair) for pair in self._kept]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back the kept prices."""
        self._kept = deque((time, price) for time, price in state["kept"])


REFERENCES: Mapping[str, Callable[[PriceMoveConfig], Reference]] = {
    "last_firing": LastFiring,
    "previous_close": PreviousClose,
    "session_open": SessionOpen,
    "window": WindowAgo,
    "anchor": Anchor,
}
