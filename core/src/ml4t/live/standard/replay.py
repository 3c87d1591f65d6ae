"""The plugin module of the replay feed."""

from __future__ import annotations

from ml4t.live.feeds.replay_config import ReplayConfig
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import FeedRecord


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    """Return the replay feed."""
    return [
        FeedRecord(
            name="replay",
            config=ReplayConfig,
            factory="ml4t.live.feeds.replay:ReplayFeed",
            summary="Replays bars or trades from a CSV, JSON Lines or Parquet file.",
            needs='Parquet files need pyarrow: pip install "ml4t-live[parquet]".',
        )
    ]
