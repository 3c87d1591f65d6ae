"""What this distribution offers to ml4t-live."""

from __future__ import annotations

from ml4t.live.hookspecs import hookimpl
from ml4t.live.records import RiskCheckRecord
from risk_news_blackout.config import NewsBlackoutConfig

ml4t_live_contract = 3


@hookimpl
def ml4t_live_risk_checks() -> list[RiskCheckRecord]:
    """Return the one check."""
    return [
        RiskCheckRecord(
            name="news-blackout",
            config=NewsBlackoutConfig,
            factory="risk_news_blackout.check:NewsBlackout",
            rig="risk_news_blackout.rig:rig",
            summary="Opens no positions around the events of a calendar file.",
            needs="a calendar of events, as CSV or ICS",
        )
    ]
