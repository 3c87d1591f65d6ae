"""What both sides of a comparison do alike: the data they are fed and how a figure is taken."""

from __future__ import annotations

import asyncio
import gc
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

START = 1_700_000_000 * 10**9
TICK = 10**6
"""A millisecond between two ticks."""

PRICES = tuple(100.0 + step * 0.01 for step in range(101))
"""Tick number n has price n * 7919 % 101."""

ORDER_EVERY = 1_000
WARM_UP = 2 * ORDER_EVERY
"""Ticks before the measured ones: the first one of an instrument costs what the start-up has left undone."""

SETTLE_SECONDS = 0.5
"""Until a node has its account and its portfolio, or has filled the last order."""

_IMPORT = """
import resource, sys, time
wall, cpu = time.perf_counter(), time.process_time()
{statement}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
try:
    rss = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
except OSError:
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(wall, cpu, rss / 1024)
"""


class Marks:
    """Notes CPU time and memory every so many events."""

    def __init__(self, every: int) -> None:
        self._every = every
        self.times: list[float] = []
        self.memory: list[float] = []

    def see(self, count: int) -> None:
        """Take note of the event with this number."""
        if count % self._every == 0:
            self.times.append(time.process_time())
            self.memory.append(rss_mib())


class Window:
    """The measured window: from the first push to the strategy's last callback, in CPU seconds of the process."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def make(self) -> asyncio.Event:
        """Make the event that ends the run."""
        self.over = asyncio.Event()
        return self.over

    def begin(self) -> None:
        """Start."""
        gc.collect()
        gc.freeze()
        self._started = time.process_time()

    def end(self) -> None:
        """Stop."""
        self.seconds = time.process_time() - self._started
        self.over.set()


def flatness(marks: Marks) -> dict[str, float]:
    """Compare the last tenth with the first that has a mark on both sides."""
    steps = [after - before for before, after in zip(marks.times, marks.times[1:], strict=False)]
    return {"last_over_first": steps[-1] / steps[0], "memory_growth_mib": marks.memory[-1] - marks.memory[0]}


def percentiles(asked: Sequence[int], entered: Sequence[int], warm_up: int) -> dict[str, float]:
    """Return the median and the 99th percentile in microseconds, the first `warm_up` left out."""
    took = sorted(after - before for before, after in zip(asked[warm_up:], entered[warm_up:], strict=True))
    return {"p50_us": took[len(took) // 2] / 1e3, "p99_us": took[len(took) * 99 // 100] / 1e3}


def rss_mib() -> float:
    """Return the memory this process holds now; where the system does not say, the most it has ever held."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def import_cost(statement: str, times: int = 5) -> dict[str, float]:
    """Return what an import takes in a fresh process, best of some: seconds, CPU seconds, and the memory of the process."""
    program = [sys.executable, "-c", _IMPORT.format(statement=statement)]
    runs = [subprocess.run(program, capture_output=True, text=True, check=True).stdout.split() for _ in range(times)]
    wall, cpu, rss = (min(float(run[column]) for run in runs) for column in range(3))
    return {"seconds": wall, "cpu_seconds": cpu, "rss_mib": rss}
