"""Books that disagree: every difference has a name, only what lasts is believed, and the policy says what follows."""

from __future__ import annotations

import attrs
import pytest
from engine_kit import read
from venue_session import buy, session

from ml4t.live.engine.reconciliation import (
    What,
    cash_differences,
    fill_differences,
    is_split,
    order_differences,
    position_differences,
)
from ml4t.live.errors import BrokerConnectionError
from ml4t.live.model import Fill, Order, OrderSide, OrderState, Position
from ml4t.live.testing import Faults, SimulatedVenue


def venue(clock, **faults):
    return SimulatedVenue(lambda _: 100.0, clock, seed=1, faults=Faults(**faults))


def told(engine, *, opening=False):
    """The differences that were journalled, as (when, what, subject)."""
    return [
        (body["when"], each["what"], each["subject"])
        for body in read(engine.state_folder.journal).bodies("reconciliation")
        for each in body["differences"]
        if opening or body["when"] != "opening"
    ]


def trade_by_hand(there, quantity, *, price=100.0, silent=False):
    """Somebody trades in the account; `silent` keeps it out of the executions, as a transfer would."""
    number = len(there.fills) + 1
    side = OrderSide.BUY if quantity > 0 else OrderSide.SELL
    fill = Fill(f"hand-{number}", "", "A", side, abs(quantity), price, there._clock.now(), venue="simulated", account="sim-1")
    there._remember()
    there.portfolio.apply(fill)
    if not silent:
        there.fills.append(fill)


# ------------------------------------------------------------------ the names


def position(quantity, average=100.0, mark=None):
    return Position("A", quantity, average, mark)


@pytest.mark.parametrize(
    ("before", "after", "split"),
    [
        (position(10, 100.0), position(20, 50.0), True),
        (position(10, 100.0, 120.0), position(30, 33.3, 40.0), True),
        (position(10, 90.0, 400.0), position(40, 90.0, 101.0), True),
        (position(100, 1.0, 0.5), position(10, 10.0, 5.0), True),
        (position(-10, 100.0), position(-20, 50.0), True),
        (position(10, 100.0), position(15, 66.7), True),
        (position(10, 100.0), position(20, 100.0), False),
        (position(10, 100.0, 120.0), position(20, 100.0, 121.0), False),
        (position(10, 100.0), position(-20, 50.0), False),
        (position(10, 100.0), position(11, 91.0), False),
    ],
)
def test_a_split_is_a_ratio_of_the_quantity_with_the_price_moving_inversely(before, after, split):
    assert is_split(before, after) is split
    [difference] = position_differences({"A": before}, {"A": after})
    assert difference.what is (What.CORPORATE_ACTION if split else What.QUANTITY_DRIFT)


def test_positions_differ_by_more_than_the_rounding_of_floats():
    assert list(position_differences({"A": position(0.1 + 0.2)}, {"A": position(0.3)})) == []
    found = list(position_differences({"A": position(1.0)}, {"B": position(2.0)}))
    assert [(each.what, each.subject, each.ours, each.venue) for each in found] == [
        (What.QUANTITY_DRIFT, "A", 1.0, 0.0),
        (What.QUANTITY_DRIFT, "B", 0.0, 2.0),
    ]


def test_orders_are_foreign_finished_or_not_shown():
    def order(order_id, state=OrderState.WORKING, venue_order_id=""):
        return Order(order_id, "A", OrderSide.BUY, 1.0, state=state, venue_order_id=venue_order_id)

    book = {"open": order("open"), "gone": order("gone"), "done": order("done", OrderState.CANCELLED)}
    theirs = [order("open"), order("done"), order("stranger"), order("", venue_order_id="v9")]
    found = list(order_differences([book["open"], book["gone"]], theirs, book.get))
    assert [(each.what, each.subject) for each in found] == [
        (What.FINISHED_ORDER, "done"),
        (What.FOREIGN_ORDER, "stranger"),
        (What.FOREIGN_ORDER, "v9"),
        (What.UNKNOWN_ORDER, "gone"),
    ]


def test_a_cent_of_cash_and_an_execution_of_this_moment_are_no_differences():
    assert list(cash_differences(100.0, 100.009)) == []
    assert [each.what for each in cash_differences(100.0, 100.02)] == [What.CASH_DRIFT]
    fills = [Fill(f"x{at}", "o", "A", OrderSide.BUY, 1.0, 1.0, at) for at in (9, 10)]
    assert [each.subject for each in fill_differences(fills, 10)] == ["x9"]


# ------------------------------------------------------------------ in a session


def test_nothing_is_traded_before_the_first_full_snapshot_in_live_mode(tmp_path):
    class Slow(SimulatedVenue):
        async def connect(self):
            if self.connects < 2:
                self.connects += 1
                raise BrokerConnectionError("only half of the books could be read")
            await self._clock.sleep(20)
            return await super().connect()

    refused = []

    async def before(engine, there, clock):
        while engine.core is None or not engine.core.connection.ready:
            if engine.core is not None:
                refused.append(buy(engine, float(len(refused) + 1)))
            await clock.sleep(1)

    async def act(engine, there, clock):
        assert there.connects == 3
        assert buy(engine, 1_000.0).state is not OrderState.REJECTED

    def make(clock):
        return Slow(lambda _: 100.0, clock, seed=1, kind="live")

    session(tmp_path, make, act, mode="live", before=before)
    assert len(refused) > 20
    assert {(order.state, order.code) for order in refused} == {(OrderState.REJECTED, "venue_not_ready")}


def test_an_account_that_is_new_here_is_taken_over_whatever_the_policy(tmp_path):
    def make(clock):
        there = venue(clock)
        trade_by_hand(there, 3.0, silent=True)
        return there

    async def act(engine, there, clock):
        await clock.sleep(200)
        assert not engine.core.switch.on
        assert engine.core.desk.portfolio.quantity("A") == 3.0

    engine, _ = session(tmp_path, make, act, on_difference="halt")
    assert told(engine) == []
    assert ("opening", "quantity_drift", "A") in told(engine, opening=True)
    assert read(engine.state_folder.journal).states["position"]["A"]["quantity"] == 3.0


def test_a_fill_that_the_stream_lost_is_found_by_the_timer(tmp_path):
    async def act(engine, there, clock):
        await clock.sleep(10)
        trade_by_hand(there, 2.0)
        await clock.sleep(65)
        assert engine.core.desk.portfolio.quantity("A") == 2.0
        assert engine.core.desk.portfolio.cash == there.portfolio.cash

    engine, _ = session(tmp_path, venue, act, on_difference="halt")
    assert told(engine) == [("timer", "missed_fill", "hand-1")]
    assert not engine.core.switch.on, "an execution explains itself"


def test_a_fill_while_away_is_booked_once_and_named(tmp_path):
    async def act(engine, there, clock):
        await clock.sleep(1)
        while engine.core.connection.ready:
            await clock.sleep(0.1)
        trade_by_hand(there, 2.0)
        await clock.sleep(30)

    engine, there = session(tmp_path, lambda clock: venue(clock, line_seconds=100.0), act, seconds=400.0)
    assert there.connects > 1
    assert ("connect", "missed_fill", "hand-1") in told(engine)
    assert [fill.execution_id for fill in read(engine.state_folder.journal).fills] == ["hand-1"]
    assert engine.core.desk.portfolio.quantity("A") == 2.0


def foreign(there):
    order = Order("", "A", OrderSide.BUY, 1.0, state=OrderState.WORKING, venue_order_id="v77")
    there.orders["by hand"] = order


@pytest.mark.parametrize("policy", ["adopt", "halt", "flatten"])
def test_a_foreign_order_is_reported_once_and_handled_by_policy(tmp_path, policy):
    class Venue(SimulatedVenue):
        async def cancel(self, order):
            if order.venue_order_id == "v77":
                self.orders["by hand"] = attrs.evolve(self.orders["by hand"], state=OrderState.CANCELLED)

    async def act(engine, there, clock):
        await clock.sleep(10)
        foreign(there)

    engine, there = session(tmp_path, lambda clock: Venue(lambda _: 100.0, clock, seed=1), act, on_difference=policy)
    assert told(engine) == [("timer", "foreign_order", "v77")]
    assert engine.core.switch.on is (policy != "adopt")
    assert there.orders["by hand"].is_open is (policy != "flatten")


@pytest.mark.parametrize("policy", ["adopt", "halt", "flatten"])
def test_drift_is_handled_by_each_policy(tmp_path, policy):
    made = []

    def make(clock):
        made.append(venue(clock))
        return made[-1]

    async def act(engine, there, clock):
        await clock.sleep(10)
        buy(engine, 5.0)
        await clock.sleep(10)
        trade_by_hand(there, 2.0, silent=True)
        await clock.sleep(100)

    engine, there = session(tmp_path, make, act, on_difference=policy)
    assert [each for each in told(engine) if each[1] != "cash_drift"] == [("timer", "quantity_drift", "A")]
    assert engine.core.switch.on is (policy != "adopt")
    held = 0.0 if policy == "flatten" else 7.0
    assert there.portfolio.quantity("A") == engine.core.desk.portfolio.quantity("A") == held
    assert engine.core.desk.portfolio.cash == pytest.approx(there.portfolio.cash)
    if policy != "adopt":
        assert "quantity_drift A: 5.0 here, 7.0 at the venue" in engine.core.switch.reason


def test_a_split_is_suspected_and_adopted(tmp_path):
    async def act(engine, there, clock):
        await clock.sleep(10)
        buy(engine, 5.0)
        await clock.sleep(10)
        held = there.portfolio.position("A")
        split = attrs.evolve(held, quantity=held.quantity * 4, average_price=held.average_price / 4, mark=25.0)
        there.portfolio.restore(there.portfolio.cash, {"A": split})

    engine, _ = session(tmp_path, venue, act)
    assert told(engine) == [("timer", "corporate_action_suspected", "A")]
    assert engine.core.desk.portfolio.quantity("A") == 20.0


def test_money_that_comes_and_goes_is_taken_over_and_stops_nothing(tmp_path):
    async def act(engine, there, clock):
        await clock.sleep(10)
        there.portfolio.cash -= 12.5

    engine, there = session(tmp_path, venue, act, on_difference="halt")
    assert told(engine) == [("timer", "cash_drift", "cash")]
    assert engine.core.desk.portfolio.cash == there.portfolio.cash
    assert not engine.core.switch.on


@pytest.mark.parametrize(
    ("happens", "raised"),
    [
        (lambda there: setattr(there.portfolio, "cash", there.portfolio.cash + 1_000.0), 1_000.0),
        (lambda there: trade_by_hand(there, -5.0, silent=True), 0.0),
        (lambda there: trade_by_hand(there, -7.0, silent=True), 0.0),
    ],
    ids=["a deposit", "a sale by hand", "a sale by hand that leaves a short"],
)
def test_only_money_that_equity_gains_is_a_deposit(tmp_path, happens, raised):
    start = []

    async def act(engine, there, clock):
        await clock.sleep(10)
        buy(engine, 5.0)
        await clock.sleep(10)
        start.append(engine.core.losses.day_start)
        happens(there)
        await clock.sleep(100)

    engine, there = session(tmp_path, venue, act, on_difference="adopt")
    assert engine.core.desk.portfolio.cash == pytest.approx(there.portfolio.cash)
    assert engine.core.losses.day_start - start[0] == pytest.approx(raised, abs=50.0), "what the marks moved aside"


def test_an_order_that_ended_here_and_works_there_counts_again(tmp_path):
    async def act(engine, there, clock):
        await clock.sleep(10)
        order = buy(engine, 5.0)
        while engine.core.desk.orders.get(order.order_id).is_open:
            await clock.sleep(1)
        there.orders[order.order_id] = attrs.evolve(order, state=OrderState.WORKING, venue_order_id="v1")
        await clock.sleep(100)
        assert engine.core.desk.orders.working("A") == (5.0, 0.0)

    engine, _ = session(tmp_path, lambda clock: venue(clock, lose_request=1.0), act)
    assert [what for _, what, _ in told(engine)] == ["finished_order"]


def test_orders_and_fills_on_their_way_and_snapshots_that_lag_are_no_differences(tmp_path):
    async def act(engine, there, clock):
        for n in range(1, 200):
            await clock.sleep(3)
            buy(engine, float(n))

    engine, there = session(
        tmp_path,
        lambda clock: venue(clock, latency_seconds=1.0, partial_fill=0.5, snapshot_lag_seconds=4.0, reorder=0.3),
        act,
        seconds=700.0,
        on_difference="halt",
        reconcile_seconds=2.0,
    )
    assert told(engine) == []
    assert len(there.fills) >= 199
    assert engine.core.desk.portfolio.quantity("A") == there.portfolio.quantity("A") == sum(range(200))


def test_a_holding_whose_execution_is_not_told_yet_is_no_difference_while_the_order_is_open(tmp_path):
    class Hesitant(SimulatedVenue):
        """Its holdings move at once; its executions are told 20 seconds later, and never by the stream."""

        def _deliver(self, message):
            pass

        async def snapshot(self, since):
            snapshot = await super().snapshot(since)
            until = self._clock.now() - 20 * 10**9
            return attrs.evolve(snapshot, fills=[fill for fill in snapshot.fills if fill.time < until])

    async def act(engine, there, clock):
        await clock.sleep(10)
        buy(engine, 5.0)

    engine, _ = session(tmp_path, lambda clock: Hesitant(lambda _: 100.0, clock, seed=1), act, reconcile_seconds=2.0)
    assert {what for _, what, _ in told(engine)} <= {"missed_fill", "unknown_order"}
    assert engine.core.desk.portfolio.quantity("A") == 5.0


def test_a_snapshot_that_fails_is_no_reason_to_stop_looking(tmp_path):
    class Flaky(SimulatedVenue):
        looks = 0

        async def snapshot(self, since):
            self.looks += 1
            if self.looks in {2, 3}:
                raise BrokerConnectionError("half of it")
            return await super().snapshot(since)

    async def act(engine, there, clock):
        await clock.sleep(10)
        trade_by_hand(there, 2.0)

    engine, _ = session(tmp_path, lambda clock: Flaky(lambda _: 100.0, clock, seed=1), act)
    assert told(engine) == [("timer", "missed_fill", "hand-1")]
    states = [body["state"] for body in read(engine.state_folder.journal).bodies("health")]
    assert states.count("not reconciled") == 2


@pytest.mark.parametrize("policy", ["adopt", "halt", "flatten"])
def test_what_changed_between_two_runs_is_handled_before_the_second_trades(tmp_path, policy):
    kept = []

    async def first(engine, there, clock):
        await clock.sleep(10)
        buy(engine, 5.0)
        await clock.sleep(10)

    def make(clock):
        kept.append(venue(clock))
        return kept[-1]

    session(tmp_path, make, first, seconds=30.0)

    def again(clock):
        there = venue(clock)
        there.portfolio.restore(kept[0].portfolio.cash, {"A": Position("A", 3.0, 100.0)})
        return there

    async def second(engine, there, clock):
        assert engine.core.connection.ready
        assert engine.core.switch.on is (policy != "adopt")
        assert engine.core.desk.portfolio.quantity("A") == 3.0
        order = buy(engine, 1.0)
        assert (order.code == "kill_switch") is (policy != "adopt")

    engine, there = session(tmp_path, again, second, on_difference=policy)
    assert ("connect", "quantity_drift", "A") in told(engine)
    assert there.portfolio.quantity("A") == {"adopt": 4.0, "halt": 3.0, "flatten": 0.0}[policy]
