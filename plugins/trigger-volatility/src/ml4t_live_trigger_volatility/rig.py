"""What the trigger is tried with by the conformance kit."""

from __future__ import annotations

from ml4t.live.model import Bar
from ml4t.live.testing import TriggerRig
from ml4t.live.times import NANOS
from ml4t_live_trigger_volatility.config import VolatilityConfig
from ml4t_live_trigger_volatility.trigger import Volatility

START = 1_709_650_800 * NANOS
"""2024-03-05 15:00 UTC."""
MINUTE = 60 * NANOS
CALM = (100.0, 100.1, 100.0, 100.1, 100.0, 100.1, 100.0, 100.1)
CLOSES = (*CALM, 103.0, 100.0, *CALM, 97.0, 100.0)
"""Calm, and twice a jump of three in a hundred."""


def rig() -> TriggerRig:
    """Return a volatility of 1 % over five candles, and when it is reached."""
    story = [
        Bar("AAA", START + number * MINUTE, close, close, close, close, 10.0, MINUTE) for number, close in enumerate(CLOSES)
    ]
    config = VolatilityConfig(threshold=0.01, estimator="realised", lookback=5)
    return TriggerRig(trigger=lambda: Volatility(config), story=story, fires_at=(8, 18))
