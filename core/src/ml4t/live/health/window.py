"""How much counters have grown of late."""

from __future__ import annotations

from collections import deque

from ml4t.live.times import NANOS

SECONDS = 300.0


class Window:
    """Samples of counters that only grow, over the last `seconds`; before the first sample they count as zero."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._length = round(seconds * NANOS)
        self._samples: deque[tuple[int, tuple[float, ...]]] = deque()

    def change(self, counts: tuple[float, ...], now: int) -> tuple[float, ...]:
        """Take a sample at `now` (nanoseconds), and return by how much each has grown within the window."""
        samples = self._samples
        if not samples:
            samples.append((now, (0.0,) * len(counts)))
        samples.append((now, counts))
        while len(samples) > 2 and samples[1][0] <= now - self._length:
            samples.popleft()
        first = samples[0][1]
        return tuple(new - old for new, old in zip(counts, first, strict=True))
