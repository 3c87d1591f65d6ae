"""What is used of ccxt, which has no types. Importing any exchange of it imports all of them, which takes about a second."""

from __future__ import annotations

from ccxt import DECIMAL_PLACES, TICK_SIZE, async_support, pro  # type: ignore[import-untyped,unused-ignore]
from ccxt.base import errors  # type: ignore[import-untyped,unused-ignore]

__all__ = ["DECIMAL_PLACES", "TICK_SIZE", "async_support", "errors", "pro"]
