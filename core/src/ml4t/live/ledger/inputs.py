"""What a model was shown, as a short digest: the same inputs give the same one, whatever the model made of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from hashlib import blake2b
from itertools import islice

from ml4t.live.contracts.market import MarketView, SymbolView

LATEST = 50
"""Prices and volumes that enter the digest; the time of the last one says which ones were before."""


def digests(market: MarketView, symbols: Iterable[str]) -> dict[str, str]:
    """Return the digest of what the market view says of each symbol."""
    views = ((symbol, market.get(symbol)) for symbol in symbols)
    return {symbol: digest(view) for symbol, view in views if view is not None}


def digest(view: SymbolView) -> str:
    """Return the digest of what is said of one symbol."""
    said = (view.symbol, view.price, view.event_time, view.bid, view.ask, view.volatility, len(view.prices))
    made = blake2b(repr(said).encode(), digest_size=8)
    for values in (view.prices, view.volumes):  # as bytes, because the words of a hundred floats cost ten times as much
        made.update(array("d", islice(reversed(values), LATEST)).tobytes())
    return made.hexdigest()
