"""Symbols: stocks as `AAPL`, crypto as `BTC/USD`, one form wherever Alpaca writes another."""

from __future__ import annotations

QUOTES = ("USDT", "USDC", "USD", "BTC")
"""The currencies that crypto is quoted in, the longest first: positions come back as `BTCUSD`."""


def is_crypto(symbol: str) -> bool:
    """True for a pair such as `BTC/USD`."""
    return "/" in symbol


def from_venue(symbol: str, asset_class: str) -> str:
    """Return the framework's form of a symbol as Alpaca writes it in orders, positions and activities.

    `asset_class` is Alpaca's; a pair without a slash gets it back.
    """
    if asset_class != "crypto" or is_crypto(symbol):
        return symbol
    for quote in QUOTES:
        base = symbol.removesuffix(quote)
        if base and base != symbol:
            return f"{base}/{quote}"
    return symbol
