"""What a conformance run needs of a trigger: what happens to it, and when it has to fire."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import define

from ml4t.live.contracts.trigger import Trigger
from ml4t.live.model import Firing, MarketEvent
from ml4t.live.testing.conformance.part import PartRig
from ml4t.live.times import NANOS

MARCH = 1_709_251_200 * NANOS
"""2024-03-01 00:00 UTC: clocks change within the month in America and in Europe."""


@define(kw_only=True)
class TriggerRig(PartRig):
    """A trigger and a story for it.

    `trigger` makes a new one. The `story` is the events of one symbol, or for a compound the firings that it hears, oldest
    first, and `fires_at` the places in it (from 0) at which the trigger has to fire; a place may be there several times. A
    time trigger needs neither: its moments are looked at from `start` on (nanoseconds UTC). None in `fires_at` is a story of
    which nobody knows.
    """

    trigger: Callable[[], Trigger]
    story: Sequence[MarketEvent | Firing] = ()
    fires_at: Sequence[int] | None = None
    start: int = MARCH
