"""Brackets on their way to a broker that takes them: one request, and one outcome for all of it."""

from __future__ import annotations

import asyncio

import attrs
import pytest
from venue_session import session

from ml4t.live.errors import BrokerRefused
from ml4t.live.model import OrderState
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.testing import SimulatedVenue

S = OrderState


class Linking(SimulatedVenue):
    """Takes the entry of a bracket as an order, and only notes its exits."""

    capabilities = attrs.evolve(
        SimulatedVenue.capabilities, order_types=frozenset(["market", "limit", "stop"]), brackets=True, oco=True
    )
    requests: list

    async def submit_bracket(self, entry, take_profit, stop_loss):
        return await self._note(entry, take_profit, stop_loss)

    async def submit_oco(self, first, second):
        return await self._note(first, second)

    async def _note(self, *orders):
        self.requests = [*getattr(self, "requests", []), [order.order_id for order in orders]]
        return [f"v{order.order_id}" for order in orders]


class Refusing(Linking):
    async def _note(self, *orders):
        raise BrokerRefused("not today", code="closed")


class Silent(Linking):
    async def _note(self, *orders):
        await asyncio.get_running_loop().create_future()


class Miscounting(Linking):
    async def _note(self, *orders):
        return ["only one"]


class Promising(SimulatedVenue):
    capabilities = Linking.capabilities


@pytest.mark.parametrize(
    ("kind", "state", "code"),
    [
        (Linking, S.WORKING, ""),
        (Refusing, S.REJECTED, "closed"),
        (Silent, S.UNKNOWN, ""),
        (Miscounting, S.UNKNOWN, ""),
        (Promising, S.REJECTED, "unsupported_links"),
    ],
)
@pytest.mark.parametrize("legs", [3, 2])
def test_a_linked_request_has_one_outcome(tmp_path, kind, state, code, legs):
    seen = []

    async def act(engine, venue, clock):
        desk = engine.core.desk
        face = DeskBroker(desk, "run", "test")
        orders = face.submit_bracket("A", 5, 110.0, 90.0) if legs == 3 else face.submit_oco("A", 5, 110.0, 90.0, "sell")
        while desk.orders.get(orders[0].order_id).state in {S.INTENT, S.SENT}:
            await clock.sleep(0.5)
        seen.extend(desk.orders.get(order.order_id) for order in orders)
        if kind is Linking:
            assert venue.requests == [[order.order_id for order in orders]]
            assert [order.venue_order_id for order in seen] == [f"v{order.order_id}" for order in orders]
        assert venue.submissions == []

    session(tmp_path, lambda clock: kind(lambda _: 100.0, clock, seed=1), act, seconds=60.0)
    assert [(order.state, order.code) for order in seen] == [(state, code)] * legs
