"""Crypto exchanges for ml4t-live: feed and broker through ccxt, and a simulator of Binance's wire protocol.

`from ml4t_live_crypto import CryptoBroker, CryptoFeed` loads ccxt, `import ml4t_live_crypto` does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml4t_live_crypto.broker import CryptoBroker
    from ml4t_live_crypto.feed import CryptoFeed

__all__ = ["CryptoBroker", "CryptoFeed"]

_ROOMS = {"CryptoBroker": "broker", "CryptoFeed": "feed"}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
