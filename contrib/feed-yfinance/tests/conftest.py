"""A simulator for the tests."""

from __future__ import annotations

import pytest

from feed_yfinance.simulator import YahooSimulator


@pytest.fixture
def vendor():
    """A simulator in which nothing happens unless a test makes it."""
    with YahooSimulator() as simulator:
        yield simulator
