"""A bracket over a restart: what waits goes on waiting, and exits close what was opened."""

from __future__ import annotations

import pytest
from engine_kit import SECOND, Diary, replay, trade

from ml4t.live.config.shadow import ShadowSettings

SHADOW = ShadowSettings(max_volume_share=0.1)
PRICES = [100, 100, 107, 99, 98, 98, 97, 100, 104, 106, 104, 103, 111, 100, 93, 92, 91, 91]
EVENTS = [trade("A", n * SECOND, float(price), 100.0) for n, price in enumerate(PRICES)]


def decide(diary, data, broker):
    """Buy 25 in parts when the price has come down, and sell them in parts: some at the profit, the rest at the stop."""
    if len(diary.calls) == 1 and not broker.positions and not broker.pending_orders:
        broker.submit_bracket("A", 25, 106.0, 93.0, "limit", 98.0)


def fills(story):
    return [(fill.execution_id, fill.side, fill.quantity, fill.price) for fill in story.fills]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    story = replay(Diary(decide), EVENTS, tmp_path_factory.mktemp("whole"), shadow=SHADOW)
    assert [(side, quantity, price) for _, side, quantity, price in fills(story)] == [
        ("buy", 10.0, 98.0),
        ("buy", 10.0, 98.0),
        ("buy", 5.0, 98.0),
        ("sell", 10.0, 106.0),
        ("sell", 10.0, 106.0),
        ("sell", 5.0, 93.0),
    ]
    assert sorted(order.state for order in story.orders.values()) == ["cancelled", "filled", "filled"]
    return story


@pytest.mark.parametrize("cut", range(2, 14))  # from then on the bracket has ended, and a new start would begin another
def test_a_bracket_goes_on_after_a_restart_as_if_nothing_had_happened(tmp_path, whole, cut):
    replay(Diary(decide), EVENTS[:cut], tmp_path, shadow=SHADOW)
    story = replay(Diary(decide), EVENTS, tmp_path, shadow=SHADOW)
    assert fills(story) == fills(whole)
    assert story.orders == whole.orders
