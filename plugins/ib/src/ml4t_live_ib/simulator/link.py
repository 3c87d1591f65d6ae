"""The connection between TWS and the vendor's servers, which is not the one between a client and TWS."""

from __future__ import annotations

from collections.abc import Callable


class Link:
    """While it is down (1100) the socket stays up: no data comes, and orders wait."""

    def __init__(self) -> None:
        self.is_up = True
        self._waiting: list[Callable[[], None]] = []

    def when_up(self, work: Callable[[], None]) -> None:
        """Do something now, or when the link is back."""
        if self.is_up:
            work()
        else:
            self._waiting.append(work)

    def lose(self) -> None:
        """Let it go down."""
        self.is_up = False

    def restore(self) -> None:
        """Let it come back; what waited is done, in the order of its arrival."""
        self.is_up = True
        waiting, self._waiting = self._waiting, []
        for work in waiting:
            work()
