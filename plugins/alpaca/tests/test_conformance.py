"""The conformance kit, scenario by scenario."""

from __future__ import annotations

import asyncio

import pytest
from alpaca_rig import broker_rig

from ml4t.live.testing.conformance import check_broker
from ml4t.live.testing.conformance.broker import BROKER_SCENARIOS


@pytest.mark.parametrize("scenario", [each.name for each in BROKER_SCENARIOS])
def test_broker(scenario):
    asyncio.run(check_broker(broker_rig, only=scenario)).raise_if_failed()
