"""A simulator for the tests."""

from __future__ import annotations

import pytest

from feed_alphavantage.simulator import AlphaVantageSimulator


@pytest.fixture
def vendor():
    """A simulator in which nothing happens unless a test makes it."""
    with AlphaVantageSimulator() as simulator:
        yield simulator
