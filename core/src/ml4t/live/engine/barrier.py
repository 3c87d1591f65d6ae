"""What recorded data must wait for before the next event: work that a live market would not have waited for."""

from __future__ import annotations

from collections.abc import Callable


class Barrier:
    """Counts work that is still to come back. Used on the data's time only, where waiting costs nothing and keeps order.

    `on_clear` is called when the last piece comes back.
    """

    def __init__(self) -> None:
        self.outstanding = 0
        """How much is still to come back. A plain attribute, because it is looked at for every event."""
        self.on_clear: Callable[[], None] | None = None

    def enter(self) -> None:
        """Wait for one more piece of work."""
        self.outstanding += 1

    def leave(self) -> None:
        """Take one piece back."""
        self.outstanding -= 1
        if not self.outstanding and self.on_clear is not None:
            self.on_clear()
