"""The light module of a plugin without a simulator: one feed that reaches a vendor, and one that reaches nothing."""

from __future__ import annotations

from toy_plugin import FeedConfig

from ml4t.live.feeds.replay_config import ReplayConfig
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import FeedRecord


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    return [
        FeedRecord(name="far", config=FeedConfig, factory="toy_simulator:feed", summary="Trades of a vendor."),
        FeedRecord(
            name="near",
            config=ReplayConfig,
            factory="ml4t.live.feeds.replay:ReplayFeed",
            summary="Trades of a file.",
            capabilities=frozenset({"local"}),
        ),
    ]
