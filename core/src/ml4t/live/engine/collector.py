"""How often Python looks for garbage while a run is on."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 10_000
"""Objects that are made before the young ones are looked through. Python's own 700 or 2,000 come round every few orders,
and made the slowest hundredth of them take twice as long (`benchmarks/ours.py gate`)."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let the garbage collector come round less often in this process; thresholds that somebody raised further stay."""
    young, middle, old = gc.get_threshold()
    if 0 < young < YOUNG:
        gc.set_threshold(YOUNG, middle, old)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)
