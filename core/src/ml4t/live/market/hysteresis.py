"""A level that is entered at one value and left at another, so that noise around it is one event and not many."""

from __future__ import annotations


class Latch:
    """On from a value at or above `enter` until one below `leave`; with `leave` above `enter`, the other way round."""

    __slots__ = ("_enter", "_falling", "_leave", "on")

    def __init__(self, enter: float, leave: float) -> None:
        self._enter = enter
        self._leave = leave
        self._falling = leave > enter
        self.on = False

    def update(self, value: float) -> bool:
        """Take the next value; return True when it has just switched on."""
        if self.on:
            self.on = value <= self._leave if self._falling else value >= self._leave
            return False
        self.on = value <= self._enter if self._falling else value >= self._enter
        return self.on
