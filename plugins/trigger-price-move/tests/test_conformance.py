"""The trigger, put through the conformance kit: from every reference, in every unit, either way."""

from __future__ import annotations

import asyncio

import pytest

from ml4t.live.testing import TriggerRig, check_trigger
from ml4t.live.testing.suites import TriggerSuite
from ml4t.live.times import NANOS
from ml4t_live_trigger_price_move.config import PriceMoveConfig
from ml4t_live_trigger_price_move.rig import rig
from ml4t_live_trigger_price_move.trigger import PriceMove

MINUTE = 60 * NANOS


class TestPriceMove(TriggerSuite):
    maker = staticmethod(rig)


@pytest.mark.parametrize(
    ("options", "fires_at"),
    [
        ({"threshold": 2, "unit": "percent", "direction": "up"}, (2, 5)),
        ({"threshold": 200, "unit": "bps", "direction": "down"}, (8,)),
        ({"threshold": 0.02, "reference": "window", "window": 3 * MINUTE}, (2, 8)),
        ({"threshold": 0.02, "reference": "anchor"}, (2,)),
        ({"threshold": 0.02, "reference": "session_open"}, (2,)),
        ({"threshold": 0.02, "reference": "previous_close"}, ()),
        ({"threshold": 2.5, "unit": "sigma", "candles": MINUTE}, None),
        ({"threshold": 2.5, "unit": "atr", "candles": MINUTE, "lookback": 3}, None),
    ],
    ids=str,
)
def test_with_other_options_it_is_conformant_too(options, fires_at):
    def other() -> TriggerRig:
        config = PriceMoveConfig(**options)
        return TriggerRig(trigger=lambda: PriceMove(config), story=rig().story, fires_at=fires_at)

    asyncio.run(check_trigger(other)).raise_if_failed()
