"""Shadow orders over a restart: what a stop has seen, and how far a partial fill has come."""

from __future__ import annotations

import pytest
from engine_kit import SECOND, Diary, replay, trade

from ml4t.live.config.shadow import ShadowSettings
from ml4t.live.journal import JournalReader

SHADOW = ShadowSettings(max_volume_share=0.1, commission="fixed", commission_per_trade=2.0)
PRICES = [100, 100, 101, 104, 112, 111, 110, 109, 108, 107, 103, 102, 101, 100, 99, 98, 98, 98]
EVENTS = [trade("A", n * SECOND, float(price), 100.0) for n, price in enumerate(PRICES)]


def decide(diary, data, broker):
    """Buy 25 in parts; with the first part comes a trailing stop, which also sells in parts, and a stop limit."""
    if len(diary.calls) == 1 and not broker.positions and not broker.pending_orders:
        broker.submit_order("A", 25)
        broker.submit_order("A", -25, order_type="trailing_stop", trail_amount=8.0)
        broker.submit_order("A", 5, order_type="stop_limit", stop_price=112.0, limit_price=99.5)


def fills(story):
    return [(fill.execution_id, fill.quantity, fill.price, fill.commission) for fill in story.fills]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    story = replay(Diary(decide), EVENTS, tmp_path_factory.mktemp("whole"), shadow=SHADOW)
    assert [fill.quantity for fill in story.fills] == [10.0, 10.0, 5.0, 10.0, 10.0, 5.0, 5.0]
    assert [fill.price for fill in story.fills[3:]] == [103.0, 102.0, 101.0, 99.5]
    return story


@pytest.mark.parametrize("cut", range(2, len(EVENTS)))
def test_a_run_that_ended_anywhere_goes_on_as_if_nothing_had_happened(tmp_path, whole, cut):
    replay(Diary(decide), EVENTS[:cut], tmp_path, shadow=SHADOW)
    story = replay(Diary(decide), EVENTS, tmp_path, shadow=SHADOW)
    assert fills(story) == fills(whole)
    assert story.orders == whole.orders
    with JournalReader(tmp_path / "shadow" / "journal.sqlite3") as reader:
        assert reader.state("shadow") == {}, "notes of orders that have ended are gone"
