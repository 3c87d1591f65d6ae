"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from feed_alphavantage.config import AlphaVantageConfig
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import FeedRecord

ml4t_live_contract = 3


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    """Return the one feed."""
    return [
        FeedRecord(
            name="alphavantage",
            config=AlphaVantageConfig,
            factory="feed_alphavantage.feed:AlphaVantageFeed",
            rig="feed_alphavantage.rig:rig",
            summary="Daily and intraday bars of stocks from Alpha Vantage, polled within the limits of the key.",
            capabilities=frozenset({"bars", "backfill"}),
            needs="a key of Alpha Vantage: a free one for daily bars, 25 requests a day; a paid one for intraday bars",
        )
    ]
