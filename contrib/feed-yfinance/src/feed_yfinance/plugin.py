"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from feed_yfinance.config import YahooConfig
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import FeedRecord

ml4t_live_contract = 3


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    """Return the one feed."""
    return [
        FeedRecord(
            name="yfinance",
            config=YahooConfig,
            factory="feed_yfinance.feed:YahooFeed",
            rig="feed_yfinance.rig:rig",
            summary="Bars of Yahoo Finance's charts, polled; for shadow and paper runs only.",
            capabilities=frozenset({"bars", "backfill", "not-live"}),
            needs="nothing; Yahoo does not offer these charts as an interface, and its terms of use apply",
        )
    ]
