"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from feed_random_walk.config import RandomWalkConfig
from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import FeedRecord


@hookimpl
def ml4t_live_feeds() -> list[FeedRecord]:
    """Return the one feed."""
    return [
        FeedRecord(
            name="random-walk",
            config=RandomWalkConfig,
            factory="feed_random_walk.feed:RandomWalkFeed",
            summary="Random walks from a seed, as trades or bars: the same seed, the same prices.",
            capabilities=frozenset({"local"}),
        )
    ]
