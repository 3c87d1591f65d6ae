from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `exchange_kit`, whose name no other folder has

from exchange_kit import Exchange


@pytest.fixture
def exchange(room):
    exchange = Exchange(room)
    exchange.trade(100.0)
    return exchange


@pytest.fixture
def make(room):
    def make(cash=100_000.0, **options):
        exchange = Exchange(room, cash, **options)
        for symbol in "AB":
            exchange.trade(100.0, symbol=symbol)
        return exchange

    return make


@pytest.fixture(scope="session")
def room_with(room):
    """As `make`, for tests that hypothesis calls again and again."""

    def make(**options):
        exchange = Exchange(room, **options)
        exchange.trade(100.0)
        return exchange

    return make
