"""Twice the peak that the limits allow, for an hour: exactly the limit passes, and nothing grows (row 51 of the controls)."""

from __future__ import annotations

from ml4t.live.model import OrderState
from ml4t.live.orders import book
from ml4t.live.risk.tallies import KEPT, Times


def test_at_twice_the_peak_the_limit_passes_and_no_more(room):
    desk = room(max_messages_per_second=10, max_orders_per_minute=60)
    desk.price("A", 100.0)
    passed = []
    for _ in range(3_600):
        desk.wait(1)
        for _ in range(2):  # 120 a minute where 60 may pass, and below the burst limit
            order = desk.broker.submit_order("A", 1)
            if order.state is not OrderState.REJECTED:
                passed.append(desk.clock.now())
                desk.fill(order)
    windows = [sum(start <= at < start + 60_000_000_000 for at in passed) for start in passed[:: len(passed) // 20]]
    assert max(windows) == 60
    assert len(passed) == 60 * 60
    assert desk.orders.open_count == 0
    assert len(desk.orders._finished) <= book.RECENT


def test_windows_are_bounded_and_still_right():
    times = Times()
    for moment in range(5 * KEPT):
        times.add(moment)
    assert len(times._times) < 2 * KEPT
    assert times.since(5 * KEPT - 1_001) == 1_000
