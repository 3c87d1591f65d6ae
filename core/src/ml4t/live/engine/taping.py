"""What a tape says of the run that is on it."""

from __future__ import annotations

from typing import Any

import attrs

from ml4t.live.engine.parts import Parts


def told_of(parts: Parts, last_record: int) -> dict[str, Any]:
    """Return what a later replay needs to begin as the run does; `last_record` is the journal's before it."""
    return {
        "name": parts.name,
        "mode": parts.state,
        "strategy": parts.strategy_name,
        "source": None if parts.source is None else attrs.asdict(parts.source),
        "history": parts.market.history,
        "candles": sorted(parts.candles),
        "calendar": parts.calendar.name,
        "after": last_record,
    }
