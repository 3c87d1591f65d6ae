"""Alpaca for ml4t-live: broker and feed for stocks and crypto, and a simulator of Alpaca's wire protocol.

`from ml4t_live_alpaca import AlpacaBroker, AlpacaFeed` loads Alpaca's SDK, `import ml4t_live_alpaca` does not.
`AlpacaDataFeed` is `AlpacaFeed` under the name that earlier programs use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml4t_live_alpaca.broker import AlpacaBroker
    from ml4t_live_alpaca.feed import AlpacaDataFeed, AlpacaFeed

__all__ = ["AlpacaBroker", "AlpacaDataFeed", "AlpacaFeed"]

_ROOMS = {"AlpacaBroker": "broker", "AlpacaDataFeed": "feed", "AlpacaFeed": "feed"}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
