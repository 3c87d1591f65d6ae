"""A level that is entered at one value and left at another, so that noise around it is one event and not many."""

from __future__ import annotations


class Latch:
    """On from a value at or above `enter` until one below `leave`; `falling`, from one at or below until one above."""

    __slots__ = ("_enter", "_falling", "_leave", "on")

    def __init__(self, enter: float, leave: float, *, falling: bool = False) -> None:
        self._enter = enter
        self._leave = leave
        self._falling = falling
        self.on = False

    def update(self, value: float) -> bool:
        """Take the next value; return True when it has just switched on."""
        if self.on:
            self.on = value <= self._leave if self._falling else value >= self._leave
            return False
        self.on = value <= self._enter if self._falling else value >= self._enter
        return self.on
