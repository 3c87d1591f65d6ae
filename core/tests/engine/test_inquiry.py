"""Orders whose outcome nobody knows: asked about until there is proof, counted until then, and never sent again."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import attrs
import pytest
from engine_kit import START, read
from venue_session import buy, session

from ml4t.live.clock import DataClock
from ml4t.live.contracts import FindsOrders, OrderUpdate
from ml4t.live.errors import BrokerConnectionError
from ml4t.live.model import OrderState
from ml4t.live.testing import Faults, SearchableVenue, SimulatedVenue

S = OrderState
VENUES = pytest.mark.parametrize("kind", [SimulatedVenue, SearchableVenue])


def course(engine, order_id):
    """The states of an order, with its times in seconds after START."""
    story = read(engine.state_folder.journal)
    return story, [(r.body["state"], (r.time - START) / 1e9) for r in story.of("order") if r.subject == order_id]


@VENUES
def test_a_timed_out_submit_is_unknown_counted_resolved_by_query_and_never_sent_again(tmp_path, kind):
    class Silent(kind):
        async def submit(self, order):
            self._accept(order)
            await asyncio.get_running_loop().create_future()

        async def _trade(self, order):
            await self._clock.sleep(12)
            await super()._trade(order)

    seen = []

    async def act(engine, venue, clock):
        await clock.sleep(2)
        order = buy(engine)
        desk = engine.core.desk
        while desk.orders.get(order.order_id).state is not S.UNKNOWN:
            assert desk.orders.working("A")[0] + desk.portfolio.quantity("A") == 5.0
            await clock.sleep(0.5)
        seen.append((desk.orders.working("A"), desk.orders.open_count))
        seen.append(desk.submit(order).state)

    def make(clock):
        return Silent(lambda _: 100.0, clock, seed=1)

    engine, venue = session(tmp_path, make, act)

    assert seen == [((5.0, 0.0), 1), S.UNKNOWN]
    [order_id] = venue.orders
    assert venue.submissions == [order_id]
    story, states = course(engine, order_id)
    assert "unknown" in [state for state, _ in states]
    assert story.orders[order_id].state is S.FILLED
    assert [fill.quantity for fill in story.fills] == [5.0]


@VENUES
def test_a_lost_request_is_unknown_until_the_venue_cannot_have_it_any_more(tmp_path, kind):
    counted = []

    async def act(engine, venue, clock):
        await clock.sleep(2)
        order = buy(engine)
        while engine.core.desk.orders.get(order.order_id).is_open:
            counted.append(engine.core.desk.orders.working("A")[0])
            await clock.sleep(1)

    engine, venue = session(tmp_path, lambda clock: kind(lambda _: 100.0, clock, seed=1, faults=Faults(lose_request=1.0)), act)

    assert venue.submissions == []
    assert set(counted) == {5.0}
    [intent] = read(engine.state_folder.journal).of("intent")
    story, [(first, at), (last, closed)] = course(engine, intent.subject)
    assert (first, last) == ("unknown", "cancelled")
    assert 40.0 <= closed - at < 60.0
    order = story.orders[intent.subject]
    assert (order.code, order.reason) == ("never_reached", "never reached the venue")


@pytest.mark.parametrize(("hopeless", "other"), [(5.0, 6.0), (6.0, 5.0)])
def test_an_order_about_which_nobody_gets_an_answer_hides_no_other(tmp_path, hopeless, other):
    class Confused(SearchableVenue):
        async def find(self, order):
            if order.quantity == hopeless:
                raise ValueError("what is that?")
            return await super().find(order)

    async def act(engine, venue, clock):
        await clock.sleep(2)
        buy(engine, 5.0)
        buy(engine, 6.0)
        await clock.sleep(20)
        venue.unavailable("lost")  # from here on both are asked about at the same moments
        await clock.sleep(2)
        venue.unavailable("")

    engine, _ = session(
        tmp_path, lambda clock: Confused(lambda _: 100.0, clock, seed=1, faults=Faults(lose_request=1.0)), act, seconds=200.0
    )
    story = read(engine.state_folder.journal)
    ends = {order.quantity: (order.state, order.code) for order in story.orders.values()}
    assert ends == {hopeless: (S.UNKNOWN, ""), other: (S.CANCELLED, "never_reached")}


def test_many_orders_are_asked_about_at_once_and_not_too_many(tmp_path):
    class Slow(SearchableVenue):
        capabilities = attrs.evolve(SearchableVenue.capabilities, find_together=6)
        asking, most = 0, 0

        async def find(self, order):
            self.asking += 1
            self.most = max(self.most, self.asking)
            await self._clock.sleep(5)
            self.asking -= 1
            return await super().find(order)

    async def act(engine, venue, clock):
        await clock.sleep(2)
        for number in range(1, 41):
            buy(engine, float(number))

    engine, venue = session(
        tmp_path, lambda clock: Slow(lambda _: 100.0, clock, seed=1, faults=Faults(lose_request=1.0)), act, seconds=120.0
    )

    assert {order.code for order in read(engine.state_folder.journal).orders.values()} == {"never_reached"}
    assert venue.most == 6


@VENUES
def test_a_request_that_arrives_after_the_time_out_is_found(tmp_path, kind):
    async def act(engine, venue, clock):
        await clock.sleep(2)
        buy(engine)

    engine, venue = session(
        tmp_path, lambda clock: kind(lambda _: 100.0, clock, seed=1, faults=Faults(late_request=1.0, late_seconds=25.0)), act
    )

    [order_id] = venue.submissions
    _, states = course(engine, order_id)
    assert states[0][0] == "unknown"
    assert states[-1][0] == "filled"
    assert "cancelled" not in dict(states)
    assert engine.core.desk.portfolio.quantity("A") == 5.0


def test_a_fill_of_an_order_that_never_reached_the_venue_counts_and_is_a_discrepancy(tmp_path):
    async def act(engine, venue, clock):
        await clock.sleep(2)
        buy(engine)

    faults = Faults(late_request=1.0, late_seconds=120.0)
    engine, venue = session(tmp_path, lambda clock: SimulatedVenue(lambda _: 100.0, clock, seed=1, faults=faults), act)

    [order_id] = venue.submissions
    story, states = course(engine, order_id)
    assert [state for state, _ in states] == ["unknown", "cancelled", "filled"]
    assert engine.core.desk.portfolio.quantity("A") == 5.0
    [late] = [d for body in story.bodies("reconciliation") for d in body["differences"] if d["what"] == "late_fill"]
    assert (late["subject"], late["ours"]) == (order_id, "never reached the venue")


def test_what_was_on_its_way_when_the_process_ended_is_asked_about_and_never_sent_again(tmp_path):
    """Two durable intents are left of an earlier process; one of them had reached the venue."""
    orders, venues = [], []

    async def first(engine, venue, clock):
        await clock.sleep(2)
        engine.core.desk.executor.submit = lambda order: None  # the process dies here
        orders.extend([buy(engine, 5.0), buy(engine, 7.0)])

    def make(clock):
        venues.append(SimulatedVenue(lambda _: 100.0, clock, seed=1))
        return venues[-1]

    session(tmp_path, make, first, seconds=10.0)

    async def second(engine, venue, clock):
        desk = engine.core.desk
        assert {desk.orders.get(order.order_id).state for order in orders} <= {S.UNKNOWN, S.WORKING, S.FILLED}
        assert desk.orders.working("A")[0] + desk.portfolio.quantity("A") == 12.0
        assert desk.cancel(orders[1].order_id), "it may have left: a cancel goes to the venue"
        assert desk.orders.get(orders[1].order_id).state is S.UNKNOWN
        await clock.sleep(0)

    def restarted(clock):
        venue = SimulatedVenue(lambda _: 100.0, clock, seed=2)
        venue._accept(orders[0])
        return venue

    engine, venue = session(tmp_path, restarted, second)

    story = read(engine.state_folder.journal)
    assert [story.orders[order.order_id].state for order in orders] == [S.FILLED, S.CANCELLED]
    assert story.orders[orders[1].order_id].reason == "never reached the venue"
    assert venue.submissions == [orders[0].order_id], "it was sent again"


def test_a_venue_that_does_not_answer_is_asked_again_with_growing_intervals(tmp_path):
    asked = []

    class Mute(SearchableVenue):
        async def find(self, order):
            asked.append(self._clock.now() - START)
            if len(asked) < 7:
                raise BrokerConnectionError("busy")
            if len(asked) < 9:
                raise ZeroDivisionError("a fault in the adapter")
            return OrderUpdate(order.order_id, S.REJECTED, self._clock.now(), code="margin", reason="no margin")

    async def act(engine, venue, clock):
        await clock.sleep(2)
        buy(engine)

    engine, _ = session(tmp_path, lambda clock: Mute(lambda _: 100.0, clock, seed=1, faults=Faults(lose_request=1.0)), act)

    waits = [round((b - a) / 1e9) for a, b in pairwise(asked)]
    assert waits[:4] == [2, 4, 8, 16]
    assert max(waits) == 30
    assert len(asked) == 9
    [intent] = read(engine.state_folder.journal).of("intent")
    order = course(engine, intent.subject)[0].orders[intent.subject]
    assert (order.state, order.code) == (S.REJECTED, "margin"), "the venue's own no is believed"


@pytest.mark.parametrize("ended", [S.FILLED, S.CANCELLED])
def test_an_order_is_not_closed_before_its_executions_are_here(tmp_path, ended):
    class Forgetful(SearchableVenue):
        """It delivers nothing by itself, and its snapshots show no fill before a minute has passed."""

        def _deliver(self, message):
            pass

        async def find(self, order):
            update = await super().find(order)
            return attrs.evolve(update, state=ended) if update.state is S.FILLED else update

        async def snapshot(self, since):
            snapshot = await super().snapshot(since)
            if self._clock.now() < START + 60 * 10**9:
                return type(snapshot)(snapshot.account, (), (), ())
            return snapshot

    open_until = []

    async def act(engine, venue, clock):
        await clock.sleep(2)
        order = buy(engine)
        while engine.core.desk.orders.get(order.order_id).is_open:
            await clock.sleep(1)
        open_until.append((clock.now() - START) / 1e9)

    faults = Faults(lose_acknowledgement=1.0)
    engine, _ = session(tmp_path, lambda clock: Forgetful(lambda _: 100.0, clock, seed=1, faults=faults), act)

    assert open_until[0] > 60.0
    assert engine.core.desk.portfolio.quantity("A") == 5.0


def test_a_broker_says_by_having_find_that_it_can_look_up_an_order():
    clock = DataClock()
    assert isinstance(SearchableVenue(lambda _: 1.0, clock, seed=1), FindsOrders)
    assert not isinstance(SimulatedVenue(lambda _: 1.0, clock, seed=1), FindsOrders)


@VENUES
def test_a_fill_from_before_our_clock_was_set_is_found(tmp_path, kind):
    """Our clock is an hour ahead of the venue's, and what the venue told of the fill was lost: its fills are older than all
    that is asked for by our time."""

    class Behind(kind):
        async def submit(self, order):
            await super().submit(order)
            raise BrokerConnectionError("the answer was lost")

        def _tell(self, message):
            pass

        def _fill(self, order, quantity, number, *, last):
            super()._fill(order, quantity, number, last=last)
            self.fills[-1] = attrs.evolve(self.fills[-1], time=self._clock.now() - 3_600 * 10**9)

    async def act(engine, venue, clock):
        await clock.sleep(2)
        buy(engine)

    engine, venue = session(tmp_path, lambda clock: Behind(lambda _: 100.0, clock, seed=1), act, reconcile_seconds=10_000.0)

    [order_id] = venue.orders
    story, _ = course(engine, order_id)
    assert story.orders[order_id].state is S.FILLED
    assert [fill.execution_id for fill in story.fills] == [fill.execution_id for fill in venue.fills]
