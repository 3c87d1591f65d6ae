"""Lets the tests of this folder share `alpaca_kit`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from ml4t_live_alpaca.rig import still


@pytest.fixture
def venue():
    """A simulator whose prices move only when the test moves them."""
    with still() as simulator:
        yield simulator
