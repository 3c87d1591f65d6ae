"""The conformance kit, scenario by scenario: a feed of bars and one of trades."""

from __future__ import annotations

import asyncio

import pytest

from ml4t.live.testing.conformance import Outcome, check_feed
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS
from ml4t_live_databento.rig import bars_rig, trades_rig


@pytest.mark.parametrize("scenario", [each.name for each in FEED_SCENARIOS])
@pytest.mark.parametrize("rig", [bars_rig, trades_rig])
def test_feed(scenario, rig):
    report = asyncio.run(check_feed(rig, only=scenario))
    report.raise_if_failed()
    assert report[scenario].outcome is Outcome.PASSED
