"""What a feed has to offer before a scenario is about it."""

from __future__ import annotations

from ml4t.live.contracts.feed import Backfills
from ml4t.live.testing.rig import FeedRig


def backfills(rig: FeedRig) -> str:
    """Tell whether what was missed can be fetched."""
    return "" if isinstance(rig.feed(rig.symbols), Backfills) else "it has no `backfill`"
