"""A venue that cannot trade although its connection stands: nothing is sent until it can and the books are known."""

from __future__ import annotations

from engine_kit import read
from venue_session import buy, session

from ml4t.live.errors import BrokerConnectionError
from ml4t.live.model import OrderState
from ml4t.live.testing import Faults, SearchableVenue, SimulatedVenue


def health(engine):
    """The states of the venue that were journalled, with why."""
    bodies = [record.body for record in read(engine.state_folder.journal).of("health") if record.subject == "venue"]
    return [(body["state"], body["why"]) for body in bodies]


def quiet(clock):
    return SimulatedVenue(lambda _: 100.0, clock, seed=1, faults=Faults())


async def until_ready(engine, clock):
    while not engine.core.connection.ready:
        await clock.sleep(0.1)


def test_nothing_is_sent_while_the_venue_is_unavailable_and_what_traded_meanwhile_is_booked_first(tmp_path):
    seen = []

    async def act(engine, venue, clock):
        await clock.sleep(2)
        buy(engine, 3.0)
        await clock.sleep(0.001)
        venue.unavailable("the gateway has lost its servers")
        assert not engine.core.connection.ready
        assert engine.core.connection.why == "the venue is not available: the gateway has lost its servers"
        refused = buy(engine, 4.0)
        await clock.sleep(100)
        assert (refused.state, refused.code) == (OrderState.REJECTED, "venue_not_ready")
        assert engine.core.desk.portfolio.quantity("A") == 0.0, "what the venue shows meanwhile proves nothing"
        venue.unavailable("")
        assert not engine.core.connection.ready, "the books are compared first"
        await until_ready(engine, clock)
        seen.append(engine.core.desk.portfolio.quantity("A"))
        assert buy(engine, 5.0).state is not OrderState.REJECTED

    class Quick(SimulatedVenue):
        async def submit(self, order):
            return self._accept(order)

    engine, venue = session(tmp_path, lambda clock: Quick(lambda _: 100.0, clock, seed=1, faults=Faults()), act)

    assert seen == [3.0]
    assert engine.core.desk.portfolio.quantity("A") == venue.portfolio.quantity("A") == 8.0
    assert health(engine)[:3] == [
        ("connected", ""),
        ("unavailable", "the gateway has lost its servers"),
        ("available", ""),
    ]
    whens = [body["when"] for body in read(engine.state_folder.journal).bodies("reconciliation")]
    assert whens[:2] == ["opening", "available"]


def test_it_stays_down_while_the_books_cannot_be_read_and_when_it_is_lost_again(tmp_path):
    class Deaf(SimulatedVenue):
        deaf = False

        async def snapshot(self, since):
            if self.deaf:
                raise BrokerConnectionError("no answer")
            return await super().snapshot(since)

    async def act(engine, venue, clock):
        await clock.sleep(2)
        venue.unavailable("lost")
        await clock.sleep(10)
        venue.deaf = True
        venue.unavailable("")
        await clock.sleep(20)
        assert not engine.core.connection.ready
        venue.unavailable("lost again")
        venue.deaf = False
        await clock.sleep(20)
        assert not engine.core.connection.ready, "a comparison from before the second loss lets nothing out"
        venue.unavailable("")
        await until_ready(engine, clock)

    engine, _ = session(tmp_path, lambda clock: Deaf(lambda _: 100.0, clock, seed=1), act)

    states = [state for state, _ in health(engine)]
    assert states[:2] == ["connected", "unavailable"]
    assert states.count("not reconciled") == 4
    assert states[-3:] == ["unavailable", "available", "disconnected"]


def test_an_order_in_doubt_is_not_given_up_for_what_the_venue_does_not_show_meanwhile(tmp_path):
    ends = []

    async def act(engine, venue, clock):
        await clock.sleep(2)
        order = buy(engine)
        await clock.sleep(1)
        venue.unavailable("lost")
        await clock.sleep(100)
        assert engine.core.desk.orders.get(order.order_id).state is OrderState.UNKNOWN
        venue.unavailable("")
        back = clock.monotonic()
        while engine.core.desk.orders.get(order.order_id).is_open:
            await clock.sleep(1)
        ends.append((clock.monotonic() - back) / 1e9)

    faults = Faults(lose_request=1.0)
    session(tmp_path, lambda clock: SearchableVenue(lambda _: 100.0, clock, seed=1, faults=faults), act)

    assert 40.0 <= ends[0] < 60.0, "its age counts from the return"


def test_a_lost_connection_ends_what_a_return_began(tmp_path):
    class Cut(SimulatedVenue):
        async def run(self, sink):
            self._sink = sink
            if self.connects > 1:
                await super().run(sink)
            await self._clock.sleep(5)
            sink.available("lost")
            sink.available("lost")
            await self._clock.sleep(5)
            sink.available("")
            raise BrokerConnectionError("cut")

    async def act(engine, venue, clock):
        await clock.sleep(12)
        await until_ready(engine, clock)

    engine, venue = session(tmp_path, lambda clock: Cut(lambda _: 100.0, clock, seed=1), act)

    assert venue.connects == 2
    states = [state for state, _ in health(engine)]
    assert states == ["connected", "unavailable", "disconnected", "connected", "disconnected"]
