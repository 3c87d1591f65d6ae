"""The broker and the feed, put through the whole conformance kit against the simulated TWS, one test per scenario."""

from __future__ import annotations

import pytest

from ml4t.live.testing.conformance import Report, check_broker, check_feed
from ml4t.live.testing.conformance.broker import BROKER_SCENARIOS
from ml4t.live.testing.conformance.feed import FEED_SCENARIOS
from ml4t_live_ib.rig import NO_CREDENTIALS, broker_rig, feed_rig


@pytest.mark.parametrize("name", [each.name for each in BROKER_SCENARIOS])
async def test_the_broker_is_conformant(name):
    assert passed(await check_broker(broker_rig, only=name)) == (name,)


@pytest.mark.parametrize("name", [each.name for each in FEED_SCENARIOS])
async def test_the_feed_is_conformant(name):
    assert passed(await check_feed(feed_rig, only=name)) == (() if name in NO_CREDENTIALS else (name,))


def passed(report: Report) -> tuple[str, ...]:
    """Return what has passed; what is left out, because it is not declared or the rig is exempt, has not."""
    report.raise_if_failed()
    return report.passed
