"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import FeedRecord
from ml4t_live_crypto.config import CryptoFeedConfig


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    """Return the one feed."""
    return [
        FeedRecord(
            name="crypto",
            config=CryptoFeedConfig,
            factory="ml4t_live_crypto.feed:CryptoFeed",
            summary="Trades, bars, quotes and funding rates from the exchanges of ccxt, without an account.",
            capabilities=frozenset({"bars", "trades", "quotes", "funding", "backfill", "spot", "swaps"}),
        )
    ]
