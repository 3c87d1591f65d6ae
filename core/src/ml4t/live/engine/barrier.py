"""What recorded data must wait for before the next event: work that a live market would not have waited for."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Barrier:
    """Counts work that is still to come back. Used on the data's time only, where waiting costs nothing and keeps order.

    `on_clear` is called when the last piece comes back. A strategy on its own thread enters too, hence the lock; the last
    piece comes back on the loop's thread.
    """

    def __init__(self) -> None:
        self.outstanding = 0
        """How much is still to come back. A plain attribute, because it is looked at for every event."""
        self.on_clear: Callable[[], None] | None = None
        self._lock = threading.Lock()

    def enter(self) -> None:
        """Wait for one more piece of work."""
        with self._lock:
            self.outstanding += 1

    def leave(self) -> None:
        """Take one piece back."""
        with self._lock:
            self.outstanding -= 1
            clear = not self.outstanding
        if clear and self.on_clear is not None:
            self.on_clear()
