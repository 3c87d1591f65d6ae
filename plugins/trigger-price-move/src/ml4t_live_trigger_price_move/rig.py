"""What the trigger is tried with by the conformance kit."""

from __future__ import annotations

from ml4t.live.model import Trade
from ml4t.live.testing import TriggerRig
from ml4t.live.times import NANOS
from ml4t_live_trigger_price_move.config import PriceMoveConfig
from ml4t_live_trigger_price_move.trigger import PriceMove

START = 1_709_650_800 * NANOS
"""2024-03-05 15:00 UTC."""
PRICES = (100.0, 101.0, 102.0, 102.5, 103.5, 104.1, 104.0, 103.0, 102.0, 101.9, 101.0)
"""Up by 2 % twice, and down by it once."""


def rig() -> TriggerRig:
    """Return moves of 2 %, and when they are complete."""
    story = [Trade("AAA", START + number * 60 * NANOS, price, 1.0) for number, price in enumerate(PRICES)]
    return TriggerRig(trigger=lambda: PriceMove(PriceMoveConfig(threshold=0.02)), story=story, fires_at=(2, 5, 8))
