"""Whether memory stays flat."""

from __future__ import annotations

import tracemalloc

_FRAMES = 10
_NOT_OURS = ("*simulator*", "*/testing/*", "*tracemalloc*", "*linecache*")
"""The venue's books grow by design, and so does what the soak remembers."""


class Memory:
    """Counts what is allocated from one moment to another and still held then, without what a simulator or a test holds."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self.growth: int | None = None

    def watch(self) -> None:
        """Begin to count, the first time."""
        if self._wanted and not tracemalloc.is_tracing():
            tracemalloc.start(_FRAMES)

    def stop(self) -> None:
        """Count, when it has begun."""
        if not self._wanted or not tracemalloc.is_tracing():
            return
        foreign = [tracemalloc.Filter(False, pattern, all_frames=True) for pattern in _NOT_OURS]
        held = tracemalloc.take_snapshot().filter_traces(foreign)
        tracemalloc.stop()
        self.growth = sum(trace.size for trace in held.traces)
