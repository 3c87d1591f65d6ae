"""The conformance kit for brokers: a right adapter passes whole, and each wrong one is found, by name."""

from __future__ import annotations

import asyncio

import pytest
from toy_broker import ToyBroker, maker

from ml4t.live.testing.conformance import NoSuchScenario, NotConformant, Outcome, check_broker
from ml4t.live.testing.conformance.broker import BROKER_SCENARIOS


def run(kind=ToyBroker, only=None, **exempt):
    return asyncio.run(check_broker(maker(kind, **exempt), only=only))


@pytest.mark.parametrize("scenario", [each.name for each in BROKER_SCENARIOS])
def test_a_right_adapter_passes(scenario):
    report = run(only=scenario)
    report.raise_if_failed()
    assert report.passed == (scenario,)
