"""Whether memory stays flat."""

from __future__ import annotations

import gc
import tracemalloc

_OURS = ("*/ml4t/live/*", "*/ml4t_live_*/*", "*/site-packages/*")
"""The framework, the adapter, the vendor's SDK and what they stand on. What the standard library allocates is nobody's."""
_NOT_OURS = ("*simulator*", "*/testing/*")
"""The venue's books grow by design, and so does what the soak remembers."""

BEGIN, BETWEEN = 0.5, 0.75
SLACK = 2 * 2**20
"""Bytes by which what is held may differ at two moments of a run where nothing grows."""


class Memory:
    """Counts what the second half of a run has allocated and still holds, without what a simulator or a test holds.

    The contents of full buffers are new all the time. The third quarter renews them all, so that what is held after it and
    what is held at the end are as much where nothing grows.
    """

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self.held: list[int] = []
        """Bytes allocated since half-time and alive, after three quarters of the run and at its end."""

    def at(self, done: float) -> None:
        """Count what is due when so much of the run is done, from 0 to 1."""
        if not self._wanted or self.held:
            return
        if not tracemalloc.is_tracing():
            if done >= BEGIN:
                tracemalloc.start()
        elif done >= BETWEEN:
            self._count()

    def stop(self) -> None:
        """Count at the end of the run."""
        if self._wanted and tracemalloc.is_tracing():
            self._count()
            tracemalloc.stop()

    @property
    def problem(self) -> str:
        """What is wrong, empty when nothing is: memory that grows until the end."""
        if len(self.held) < 2 or self.held[1] - self.held[0] <= SLACK:
            return ""
        return f"the last quarter has left {(self.held[1] - self.held[0]) / 2**20:.1f} MiB more in memory than the one before"

    def _count(self) -> None:
        gc.collect()
        filters = [tracemalloc.Filter(True, each) for each in _OURS] + [tracemalloc.Filter(False, each) for each in _NOT_OURS]
        snapshot = tracemalloc.take_snapshot().filter_traces(filters)
        self.held.append(sum(trace.size for trace in snapshot.traces))
