"""Whether memory stays flat."""

from __future__ import annotations

import tracemalloc

_OURS = ("*/ml4t/live/*", "*/ml4t_live_*/*", "*/site-packages/*")
"""The framework, the adapter, the vendor's SDK and what they stand on. What the standard library allocates is nobody's."""
_NOT_OURS = ("*simulator*", "*/testing/*")
"""The venue's books grow by design, and so does what the soak remembers."""


class Memory:
    """Counts what is allocated from one moment to another and still held then, without what a simulator or a test holds."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self.growth: int | None = None

    def watch(self) -> None:
        """Begin to count, the first time."""
        if self._wanted and not tracemalloc.is_tracing():
            tracemalloc.start()

    def stop(self) -> None:
        """Count, when it has begun."""
        if not self._wanted or not tracemalloc.is_tracing():
            return
        filters = [tracemalloc.Filter(True, each) for each in _OURS] + [tracemalloc.Filter(False, each) for each in _NOT_OURS]
        held = tracemalloc.take_snapshot().filter_traces(filters)
        tracemalloc.stop()
        self.growth = sum(trace.size for trace in held.traces)
