"""Lets the tests of this folder share `crypto_kit`, and gives them exchanges."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from crypto_kit import okx

from ml4t_live_crypto.rig import Unified, binance


@pytest.fixture(name="okx")
def _okx():
    """A simulated OKX whose prices move only when the test moves them."""
    with okx() as simulator:
        yield Unified(simulator)


@pytest.fixture(name="binance")
def _binance():
    """A simulated Binance whose prices move only when the test moves them."""
    with binance() as simulator:
        yield Unified(simulator)


@pytest.fixture(params=[okx, binance], ids=["okx", "binance"])
def venue(request):
    """Either of them."""
    with request.param() as simulator:
        yield Unified(simulator)
