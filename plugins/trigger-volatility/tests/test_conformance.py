"""The trigger, put through the conformance kit."""

from __future__ import annotations

import asyncio

import pytest

from ml4t.live.testing import TriggerRig, check_trigger
from ml4t.live.testing.suites import TriggerSuite
from ml4t_live_trigger_volatility.config import VolatilityConfig
from ml4t_live_trigger_volatility.rig import rig
from ml4t_live_trigger_volatility.trigger import Volatility


class TestVolatility(TriggerSuite):
    maker = staticmethod(rig)


@pytest.mark.parametrize(
    "options",
    [
        {"threshold": 0.003},
        {"threshold": 0.01, "estimator": "realised", "lookback": 5, "direction": "below"},
        {"threshold": 0.01, "estimator": "parkinson", "lookback": 5},
        {"zscore": 2.0, "baseline": 10},
    ],
    ids=str,
)
def test_with_other_options_it_is_conformant_too(options):
    config = VolatilityConfig(**options)
    asyncio.run(check_trigger(lambda: TriggerRig(trigger=lambda: Volatility(config), story=rig().story))).raise_if_failed()
