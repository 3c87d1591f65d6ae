"""The day of an exchange while running: loss limits, data that age, and orders that are good for a day."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from engine_kit import Diary, limits, run_list

from ml4t.live import LiveEngine
from ml4t.live.model import OrderState, Trade
from ml4t.live.testing import run_virtual
from ml4t.live.times import NANOS


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NANOS


def prints(*moments):
    return [Trade("A", at(text), price, 1.0) for text, price in moments]


def test_the_day_of_the_loss_limit_ends_at_the_close_and_a_restart_in_it_changes_nothing(tmp_path):
    def buy(diary, data, broker):
        if len(diary.calls) == 1:
            broker.submit_order("A", 100)
        else:
            diary.orders.append(broker.submit_order("A", 1, "buy", "limit", 1.0))

    events = prints(
        ("2026-07-02T14:00", 100.0),
        ("2026-07-02T14:01", 100.0),
        ("2026-07-02T15:00", 85.0),
        ("2026-07-02T19:59", 85.0),
        ("2026-07-02T20:01", 85.0),
        ("2026-07-06T15:00", 85.0),
    )
    risk = limits(max_daily_loss=1_000)
    first, second = Diary(buy), Diary(buy)
    asyncio.run(run_list(first, events[:3], tmp_path, risk=risk, calendar="XNYS"))
    assert first.orders[-1].code == "max_daily_loss"
    second.calls.append((0, {}))
    asyncio.run(run_list(second, events, tmp_path, risk=risk, calendar="XNYS"))
    assert [order.code for order in second.orders] == ["max_daily_loss", "", ""]


def test_data_do_not_age_while_the_market_is_closed_and_outside_of_hours_nothing_is_sent(tmp_path):
    def buy(diary, data, broker):
        diary.orders.append(broker.submit_order("B", 1))

    events = [
        *[Trade("B", at(text), 50.0, 1.0) for text in ("2026-07-02T19:59:30", "2026-07-06T13:30:10")][:1],
        *prints(("2026-07-03T15:00", 100.0), ("2026-07-06T13:30:20", 100.0), ("2026-07-06T13:31", 100.0)),
    ]
    diary = Diary(buy)
    risk = limits(max_data_staleness_seconds=60, trade_only_in_session=True)
    asyncio.run(run_list(diary, events, tmp_path, risk=risk, calendar="XNYS"))
    assert [order.code for order in diary.orders] == ["", "session_closed", "", "stale_data"]


class OnePrint:
    """A live feed that says one thing and then only that it is there."""

    historical = False
    symbols = ("A",)

    def __init__(self, clock):
        self.clock = clock

    async def run(self, sink):
        sink.push(Trade("A", self.clock.now(), 100.0, 1.0))
        for _ in range(8 * 180):
            await self.clock.sleep(20.0)
            sink.alive()


def test_an_order_for_the_day_expires_at_the_close_although_nothing_is_heard_any_more(tmp_path):
    orders = []

    class Resting:
        def on_data(self, timestamp, data, context, broker):
            orders.append(broker.submit_order("A", 1, "buy", "limit", 90.0, time_in_force="day"))

    async def session(clock):
        engine = LiveEngine(Resting(), None, OnePrint(clock), risk=limits(), state_dir=tmp_path, clock=clock, calendar="XNYS")
        await engine.run()
        return engine.core.desk.orders.get(orders[0].order_id)

    order = run_virtual(session, start=at("2026-07-02T14:00"))
    assert (order.state, order.code, order.updated_at) == (OrderState.EXPIRED, "day_over", at("2026-07-02T20:00"))
