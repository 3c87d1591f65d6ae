"""Databento for ml4t-live: a feed of live and recorded market data, and a simulator of Databento's live gateway.

`from ml4t_live_databento import DatabentoFeed` loads Databento's SDK, `import ml4t_live_databento` does not. `DataBentoFeed` is
`DatabentoFeed` under the name that earlier programs use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ml4t_live_databento.feed import DataBentoFeed, DatabentoFeed

__all__ = ["DataBentoFeed", "DatabentoFeed"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ml4t_live_databento import feed  # noqa: PLC0415 - the SDK is loaded by whoever uses it

    return getattr(feed, name)
