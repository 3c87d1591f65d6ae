"""Features as a user writes them."""

from __future__ import annotations

MINUTE = 60 * 10**9


def last_returns(request, symbol):
    """Return the last two returns, None before there are as many."""
    returns = list(request.market.get(symbol).returns)[-2:]
    return returns if len(returns) == 2 else None


def named(request, symbol):
    """Return them by name, in another order."""
    given = last_returns(request, symbol)
    return None if given is None else {"last": given[1], "before": given[0]}


def candles(request, symbol):
    """Return the ranges of the last two candles."""
    closed = request.market.get(symbol).candles(MINUTE).closed[-2:]
    return [bar.high - bar.low for bar in closed]


def too_many(request, symbol):
    """Return one more than there should be."""
    return [1.0, 2.0, 3.0]


def not_a_number(request, symbol):
    """Return what an indicator returns before it knows anything."""
    return [float("nan"), 1.0]
