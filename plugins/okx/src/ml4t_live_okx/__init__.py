"""OKX for ml4t-live: feed and broker over its v5 API, and a simulator of its wire protocol.

`from ml4t_live_okx import OKXBroker, OKXFeed` loads the HTTP client, `import ml4t_live_okx` does not.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml4t_live_okx.broker import OKXBroker
    from ml4t_live_okx.feed import OKXFeed

__all__ = ["OKXBroker", "OKXFeed"]

_ROOMS = {"OKXBroker": "broker", "OKXFeed": "feed"}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
