"""The kill switch and the loss limits in a running engine."""

from __future__ import annotations

import asyncio

import pytest
from engine_kit import DAY, MINUTE, SECOND, START, Diary, check_books, limits, read, replay, trade

from ml4t.live import LiveEngine
from ml4t.live.model import Trade
from ml4t.live.testing import ListFeed, SimulatedVenue, run_virtual


def falling(count=60, drop=1.0, symbol="A"):
    return [trade(symbol, n * SECOND, 100.0 - n * drop) for n in range(count)]


def buys_once(quantity=100, then=None):
    def act(diary, data, broker):
        if len(diary.calls) == 1:
            diary.orders.append(broker.submit_order("A", quantity))
        elif then is not None:
            then(diary, data, broker)

    return Diary(act)


def test_a_kill_switch_from_the_configuration_refuses_everything_and_survives_the_restart_without_it(tmp_path):
    def act(diary, data, broker):
        diary.orders.append(broker.submit_order("A", 1))

    first, second = Diary(act), Diary(act)
    replay(first, falling(10), tmp_path, risk=limits(kill_switch_enabled=True))
    story = replay(second, falling(30), tmp_path)

    assert len(first.orders) == 10
    assert len(second.orders) == 20
    assert {order.code for order in [*first.orders, *second.orders]} == {"kill_switch"}
    assert "kill_switch_enabled is set in the configuration" in second.orders[-1].reason
    assert len(story.bodies("kill_switch")) == 1
    assert story.fills == []


def test_a_kill_switch_thrown_while_running_cancels_what_rests_and_refuses_exits_too(tmp_path):
    def act(diary, data, broker):
        n = len(diary.calls)
        if n == 1:
            diary.orders.append(broker.submit_order("A", 10))
        elif n == 3:
            diary.orders.append(broker.submit_order("A", -5, order_type="limit", limit_price=500.0))
        elif n == 5:
            engine.kill("enough", by="the risk officer")
        elif n == 6:
            diary.orders.append(broker.close_position("A"))

    diary = Diary(act)
    engine = LiveEngine(diary, None, ListFeed(falling(20)), risk=limits(), state_dir=tmp_path)
    asyncio.run(engine.run())

    story = read(engine.state_folder.journal)
    assert story.orders[diary.orders[1].order_id].state == "cancelled"
    assert diary.orders[2].code == "kill_switch"
    assert story.bodies("kill_switch")[-1]["by"] == "the risk officer"
    assert story.states["position"]["A"]["quantity"] == 10


def test_orders_that_rested_before_a_restart_are_cancelled_by_the_switch_of_the_new_configuration(tmp_path):
    def act(diary, data, broker):
        if len(diary.calls) == 1:
            diary.orders.append(broker.submit_order("A", 1, order_type="limit", limit_price=70.0))

    first = Diary(act)
    replay(first, falling(10), tmp_path)
    story = replay(Diary(), falling(60), tmp_path, risk=limits(kill_switch_enabled=True))

    assert story.orders[first.orders[0].order_id].state == "cancelled"
    assert story.fills == []


def test_a_broken_daily_loss_refuses_new_risk_and_lets_exits_through(tmp_path):
    def then(diary, data, broker):
        if data["A"]["price"] == 80.0:
            diary.orders += [broker.submit_order("A", 1), broker.submit_order("A", -40), broker.submit_order("A", -1_000)]

    diary = buys_once(then=then)
    story = replay(diary, falling(), tmp_path, risk=limits(max_daily_loss=1_000.0))

    assert [order.code for order in diary.orders] == ["", "max_daily_loss", "", "max_daily_loss"]
    assert story.states["position"]["A"]["quantity"] == 60
    (breach,) = [record for record in story.of("health") if record.body["state"] == "breached"]
    assert "the account lost" in breach.body["why"]
    assert (breach.time - START) // SECOND == 11, "bought at 99, and it is noticed at the very trade at 89"


@pytest.mark.parametrize("thread", [False, True])
def test_on_breach_flatten_empties_the_account_in_a_replay(tmp_path, thread):
    def then(diary, data, broker):
        if len(diary.calls) == 3:
            diary.orders.append(broker.submit_order("A", 7, order_type="limit", limit_price=60.0))

    story = replay(
        buys_once(then=then),
        falling(),
        tmp_path,
        risk=limits(max_daily_loss=1_000.0, on_breach="flatten"),
        engine={"strategy_thread": thread},
    )

    check_books(story)
    assert story.states["position"] == {}
    assert [fill.quantity for fill in story.fills] == [100.0, 100.0]
    assert story.fills[-1].price == 88.0, "at the first trade after the one that broke the limit"
    assert {order.state for order in story.orders.values()} == {"filled", "cancelled"}
    assert [order.strategy for order in story.orders.values() if order.side == "sell"] == ["flatten"]


def test_a_flattening_that_a_restart_interrupted_goes_on(tmp_path):
    risk = limits(max_daily_loss=1_000.0, on_breach="flatten")
    first = replay(buys_once(), falling(12), tmp_path, risk=risk)
    assert first.states["position"]["A"]["quantity"] == 100

    story = replay(Diary(), falling(40), tmp_path, risk=risk)

    check_books(story)
    assert story.states["position"] == {}


def test_a_broken_limit_holds_until_the_next_day_and_over_a_restart(tmp_path):
    def then(diary, data, broker):
        diary.orders.append(broker.submit_order("A", 1))

    risk = limits(max_daily_loss=1_000.0)
    fall = falling(20)
    recovers = [trade("A", MINUTE + n * SECOND, 100.0) for n in range(5)]
    tomorrow = [trade("A", DAY + n * SECOND, 100.0) for n in range(5)]
    replay(buys_once(), fall, tmp_path, risk=risk)
    diary = Diary(then)
    replay(diary, [*fall, *recovers, *tomorrow], tmp_path, risk=risk)

    codes = [order.code for order in diary.orders]
    assert codes[:5] == ["max_daily_loss"] * 5
    assert codes[-4:] == [""] * 4


def test_on_breach_flatten_empties_an_account_at_a_venue(tmp_path):
    price = {"A": 100.0}

    async def main(clock):
        class Falls:
            historical = False
            symbols = ("A",)

            async def run(self, sink):
                for _ in range(120):
                    await clock.sleep(1)
                    price["A"] *= 0.99
                    sink.push(Trade("A", clock.now(), price["A"], 1.0))

        venue = SimulatedVenue(price.__getitem__, clock, seed=4)
        engine = LiveEngine(
            buys_once(),
            venue,
            Falls(),
            risk=limits(execution_mode="paper", max_daily_loss=1_000.0, on_breach="flatten"),
            state_dir=tmp_path,
            clock=clock,
            seed=4,
        )
        await engine.run()
        await venue.settled()
        return venue, read(engine.state_folder.journal)

    venue, story = run_virtual(main, start=START)
    assert venue.portfolio.positions == {}
    assert len(venue.submissions) == 2
    check_books(story)


def test_what_is_held_since_before_a_restart_is_marked_and_guarded(tmp_path):
    risk = limits(max_daily_loss=1_000.0, on_breach="flatten")
    first = replay(buys_once(), falling(6), tmp_path, risk=risk)
    assert [record for record in first.of("health") if record.body["state"] == "breached"] == []

    story = replay(Diary(), falling(40), tmp_path, risk=risk)

    (breach,) = [record for record in story.of("health") if record.body["state"] == "breached"]
    assert (breach.time - START) // SECOND == 11
    assert story.states["position"] == {}
