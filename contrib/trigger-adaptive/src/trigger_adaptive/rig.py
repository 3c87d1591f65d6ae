"""What the trigger is tried with by the conformance kit."""

from __future__ import annotations

from itertools import accumulate

from ml4t.live.model import Bar
from ml4t.live.testing import TriggerRig
from ml4t.live.times import NANOS
from trigger_adaptive.config import AdaptiveConfig
from trigger_adaptive.trigger import Adaptive

MINUTE = 60 * NANOS
START = 1_767_623_400 * NANOS
JUMPS = {40: 5.0, 48: -4.0}
"""The bars that move far; the others move to and fro."""


def rig() -> TriggerRig:
    """Return a story of small moves with two large ones in it."""
    config = AdaptiveConfig(rate=0.05, candles=MINUTE, warmup=30)
    moves = [JUMPS.get(number, 0.1 if number % 2 else -0.1) for number in range(60)]
    closes = list(accumulate(moves, initial=100.0))[1:]
    story = [Bar("AAA", START + n * MINUTE, close, close, close, close, 100.0, MINUTE) for n, close in enumerate(closes)]
    return TriggerRig(trigger=lambda: Adaptive(config), story=story, fires_at=tuple(JUMPS))
