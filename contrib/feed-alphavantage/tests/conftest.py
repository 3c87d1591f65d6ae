"""Lets the tests of this folder share `alphavantage_rig`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from feed_alphavantage.simulator import AlphaVantageSimulator


@pytest.fixture
def vendor():
    """A simulator in which nothing happens unless a test makes it."""
    with AlphaVantageSimulator() as simulator:
        yield simulator
