"""What the market state refuses is told, and not every time."""

from __future__ import annotations

from structlog.testing import capture_logs

from ml4t.live.engine.refusals import tell_refused
from ml4t.live.market import MarketState
from ml4t.live.model import Quote, Trade


def test_each_reason_is_logged_at_the_first_the_tenth_and_the_hundredth_time():
    market = MarketState()
    market.on_refused = tell_refused
    with capture_logs() as logs:
        for at in range(1, 251):
            market.apply(Trade("A", at, -1.0, 1.0), at)
        market.apply(Quote("A", 300, 3.0, 2.0, 1.0, 1.0), 300)
        market.apply(Trade("A", 300, 1.0, 1.0), 300)
    assert [(each["reason"], each["count"]) for each in logs] == [("price", 1), ("price", 10), ("price", 100), ("quote", 1)]
    assert all(each["why"] and "A" in each["said"] for each in logs)


def test_every_reason_is_explained():
    refused = {"price", "quote", "late", "future", "jump", "funding"}
    with capture_logs() as logs:
        for reason in refused:
            tell_refused(reason, 1, Trade("A", 0, 1.0, 1.0))
    assert {each["reason"] for each in logs} == refused
