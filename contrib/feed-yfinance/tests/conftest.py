"""Lets the tests of this folder share `yahoo_rig`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from feed_yfinance.simulator import YahooSimulator


@pytest.fixture
def vendor():
    """A simulator in which nothing happens unless a test makes it."""
    with YahooSimulator() as simulator:
        yield simulator
