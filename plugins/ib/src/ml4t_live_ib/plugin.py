"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import BrokerRecord, FeedRecord
from ml4t_live_ib.config import IBBrokerConfig, IBFeedConfig

NEEDS = "TWS or the IB Gateway, logged in, with its API switched on"


@hookimpl
def ml4t_live_brokers() -> list[BrokerRecord]:
    """Return the broker."""
    return [
        BrokerRecord(
            name="ib",
            config=IBBrokerConfig,
            factory="ml4t_live_ib.broker:IBBroker",
            summary="Interactive Brokers: stocks, futures, options, currencies and crypto through TWS or the Gateway.",
            needs=NEEDS,
        )
    ]


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    """Return the feed."""
    return [
        FeedRecord(
            name="ib",
            config=IBFeedConfig,
            factory="ml4t_live_ib.feed:IBDataFeed",
            summary="Interactive Brokers: 5-second bars, updating bars, trades or quotes, with backfill.",
            needs=NEEDS,
        )
    ]
