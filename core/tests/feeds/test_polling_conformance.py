"""A toy feed on the polling base passes the whole kit, over loopback HTTP."""

from __future__ import annotations

import asyncio

import pytest
from polling_kit import polled_rig

from ml4t.live.testing.conformance import Outcome, check_feed
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS


@pytest.mark.parametrize("scenario", [each.name for each in FEED_SCENARIOS])
def test_a_polling_feed_conforms(scenario):
    report = asyncio.run(check_feed(polled_rig, only=scenario))
    report.raise_if_failed()
    assert report[scenario].outcome is Outcome.PASSED
