"""Refusals and doubts: a no is a no, and what nobody knows is never taken for one."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import cast

from ml4t.live.contracts.broker import FindsOrders, OrderUpdate
from ml4t.live.errors import BrokerConnectionError, BrokerRefused, OutcomeUnknown
from ml4t.live.model import OrderState
from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance.broker.line import PRICE, QUANTITY, connected, resting
from ml4t.live.testing.conformance.broker.needs import finds
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import ANSWER_SECONDS, clock, within
from ml4t.live.testing.rig import BrokerRig

REASON = "insufficient buying power"


@scenario()
async def a_reject_is_a_refusal_with_its_reason(rig: BrokerRig) -> None:
    """An order that the venue turns away ends REJECTED, with the venue's words; the next one is taken."""
    async with connected(rig, hold=True) as line:
        rig.venue.reject_next(REASON)
        order = resting(rig, line.broker)
        try:
            await line.submit(order)
        except BrokerRefused as error:
            line.order(OrderUpdate(order.order_id, OrderState.REJECTED, clock.now(), code=error.code, reason=str(error)))
        refused = await line.until_state(order, OrderState.REJECTED)
        if REASON not in refused.reason:
            raise NotConformant(f"the venue said {REASON!r}, and the reason told is {refused.reason!r}")
        await line.submit(resting(rig, line.broker))


@scenario()
async def a_duplicate_id_is_the_order_that_is_there(rig: BrokerRig) -> None:
    """An order that is sent twice under one id is one order, and both times the venue's id is the same."""
    async with connected(rig, hold=True) as line:
        order = resting(rig, line.broker)
        first = await line.submit(order)
        try:
            again = await within(line.broker.submit(order), "a second submit under one id")
        except BrokerRefused as error:
            raise NotConformant(f"a second submit under one id was told as a refusal ({error}): the order works") from error
        if again != first:
            raise NotConformant(f"the order is {first!r} at the venue, and {again!r} when it is sent again")
        if len(line.at_venue(order)) != 1:
            raise NotConformant(f"the venue has {len(line.at_venue(order))} orders under one id")


@scenario()
async def a_duplicate_id_after_a_reconnect_is_the_order_that_is_there(rig: BrokerRig) -> None:
    """The same with a new adapter, which knows nothing of the first submit: the id that counts is the venue's."""
    async with connected(rig, hold=True) as line:
        order = resting(rig, line.broker)
        first = await line.submit(order)
    async with connected(rig, hold=True) as line:
        again = await line.submit(order)
        if again != first or len(line.at_venue(order)) != 1:
            raise NotConformant(f"the order is {first!r}, sent again {again!r}, {len(line.at_venue(order))} times there")


@scenario()
async def a_lost_answer_is_no_refusal(rig: BrokerRig) -> None:
    """A submit that gets no answer is left to core's time-out, or is unknown; it is neither refused nor sent again."""
    async with connected(rig, hold=True) as line:
        rig.venue.lose_next_answer()
        order = resting(rig, line.broker)
        await _unknown(line.broker.submit(order))
        await line.until(lambda: line.at_venue(order), "the order has to arrive")
        if len(line.at_venue(order)) != 1:
            raise NotConformant(f"after one submit without an answer the venue has {len(line.at_venue(order))} orders")


@scenario()
async def a_submit_on_a_lost_line_is_no_refusal(rig: BrokerRig) -> None:
    """A submit when the line has gone raises BrokerConnectionError or OutcomeUnknown: nobody has refused anything."""
    with ChaosProxy(rig.venue.address) as proxy:
        async with connected(rig, address=proxy.address, hold=True) as line:
            proxy.refuse(True)
            proxy.reset()
            await _unknown(line.broker.submit(resting(rig, line.broker)))


@scenario()
async def a_line_that_breaks_in_mid_submit_leaves_the_outcome_unknown(rig: BrokerRig) -> None:
    """A submit whose answer is cut off raises BrokerConnectionError or OutcomeUnknown, whatever the venue made of it."""
    with ChaosProxy(rig.venue.address) as proxy:
        async with connected(rig, address=proxy.address, hold=True) as line:
            proxy.to_client.cut_after = 1
            proxy.refuse(True)
            await _unknown(line.broker.submit(resting(rig, line.broker)))


@scenario(finds)
async def find_tells_how_an_order_stands(rig: BrokerRig) -> None:
    """`find` knows working, filled and cancelled orders, also in a new connection, and says None of one that never was."""
    async with connected(rig, hold=True) as line:
        working, filled, cancelled = (resting(rig, line.broker) for _ in range(3))
        for order in (working, filled, cancelled):
            await line.submit(order)
        rig.venue.execute(filled.order_id, QUANTITY, PRICE * 0.9)
        await line.until_filled(filled)
        await within(line.broker.cancel(line.now(cancelled)), "cancel")
        await line.until_state(cancelled, OrderState.CANCELLED)
        never = resting(rig, line.broker)
    async with connected(rig, hold=True) as line:
        find = cast(FindsOrders, line.broker).find
        wanted = {working: OrderState.WORKING, filled: OrderState.FILLED, cancelled: OrderState.CANCELLED}
        for order, state in wanted.items():
            found = await within(find(order), "find")
            if found is None or found.state is not state or found.order_id != order.order_id:
                raise NotConformant(f"an order that is {state} is found as {found}")
        if (found := await within(find(never), "find")) is not None:
            raise NotConformant(f"an order that never was is found as {found}")


async def _unknown(submit: Awaitable[str]) -> None:
    """Wait for a submit that cannot succeed; core gives it up after ten seconds, and so does this."""
    try:
        async with clock.timeout(ANSWER_SECONDS):
            venue_order_id = await submit
    except (OutcomeUnknown, BrokerConnectionError, TimeoutError):
        return
    except BrokerRefused as error:
        raise NotConformant(f"nobody can know what became of the order, and it was told to be refused: {error}") from error
    raise NotConformant(f"nobody can know what became of the order, and submit returned {venue_order_id!r}")
