"""Interactive Brokers for ml4t-live: a broker and market-data feeds, and a simulator of TWS.

`from ml4t_live_ib import IBBroker, IBDataFeed` loads the SDK, `import ml4t_live_ib` does not. `IBFeed` is `IBDataFeed`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml4t_live_ib.broker import IBBroker
    from ml4t_live_ib.feed import IBDataFeed
    from ml4t_live_ib.feed import IBDataFeed as IBFeed

__all__ = ["IBBroker", "IBDataFeed", "IBFeed"]

_ROOMS = {"IBBroker": ("broker", "IBBroker"), "IBDataFeed": ("feed", "IBDataFeed"), "IBFeed": ("feed", "IBDataFeed")}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _ROOMS[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)
