"""Core and adapter together: nothing is lost, nothing is doubled, and everything ends explained."""

from __future__ import annotations

from ml4t.live.model import Order, OrderState
from ml4t.live.orders.states import NEVER_REACHED
from ml4t.live.testing.chaos import ChaosProxy, Direction
from ml4t.live.testing.conformance.broker.line import PRICE, QUANTITY
from ml4t.live.testing.conformance.broker.session import SETTLED_SECONDS, Session, session
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import until
from ml4t.live.testing.rig import BrokerRig

CUTS = (0, 1, 20, 60)
"""Bytes of a request, or of its answer, that still pass before the line is reset."""


@scenario()
async def a_fill_while_away_is_booked(rig: BrokerRig) -> None:
    """An order that trades while the connection is down is filled here once it stands again."""
    with ChaosProxy(rig.venue.address) as proxy:
        async with session(rig, address=proxy.address, hold=True) as run:
            order = run.rest()
            await run.until_state(order, OrderState.WORKING)
            proxy.refuse(True)
            proxy.reset()
            await run.until_down()
            rig.venue.execute(order.order_id, QUANTITY, PRICE * 0.9)
            proxy.refuse(False)
            await run.until_state(order, OrderState.FILLED)
            await run.until_ready()
            await run.until_settled()


@scenario()
async def an_order_without_an_answer_is_unknown_and_then_found(rig: BrokerRig) -> None:
    """An order whose answer is lost becomes UNKNOWN, is found at the venue, and was sent once."""
    async with session(rig) as run:
        before = rig.venue.requests
        rig.venue.lose_next_answer()
        order = run.buy()
        await run.until_state(order, OrderState.UNKNOWN, OrderState.FILLED)
        await run.until_state(order, OrderState.FILLED)
        await run.until_settled()
        if rig.venue.requests - before != 1:
            raise NotConformant(f"one order was decided, and {rig.venue.requests - before} requests arrived")


@scenario()
async def an_order_that_never_arrived_is_unknown_and_then_given_up(rig: BrokerRig) -> None:
    """An order that the venue never had becomes UNKNOWN, and cancelled when its absence is proved; it is not sent again."""
    async with session(rig) as run:
        before = rig.venue.requests
        rig.venue.lose_next_request()
        order = run.buy()
        given_up = await run.until_state(order, OrderState.CANCELLED)
        # Core says so of no order but one that has been UNKNOWN.
        if given_up.code != NEVER_REACHED:
            raise NotConformant(f"the order never arrived, and ended {given_up.state} with {given_up.code!r}")
        if rig.venue.requests - before > 1:
            raise NotConformant(f"one order was decided, and {rig.venue.requests - before} requests arrived")


@scenario()
async def a_restart_of_the_venue_loses_nothing(rig: BrokerRig) -> None:
    """A venue that restarts with its books is reconnected; an order that worked works on, and trades."""
    async with session(rig, hold=True) as run:
        order = run.rest()
        await run.until_state(order, OrderState.WORKING)
        rig.venue.restart()
        await run.until_down()
        await run.until_ready()
        if run.now(order).state is not OrderState.WORKING:
            raise NotConformant(f"the order worked before the restart, and is {run.now(order).state} after it")
        rig.venue.execute(order.order_id, QUANTITY, PRICE * 0.9)
        await run.until_state(order, OrderState.FILLED)
        await run.until_settled()


@scenario()
async def trading_goes_on_after_every_loss(rig: BrokerRig) -> None:
    """After a FIN, a RST and a mute venue the adapter connects again, and orders trade."""
    async with session(rig) as run:
        for loss in ("fin", "reset", "mute"):
            if loss == "mute":
                rig.venue.mute(True)
            else:
                rig.venue.drop(reset=loss == "reset")
            await run.until_down()
            rig.venue.mute(False)
            await run.until_ready()
            await run.until_state(run.buy(), OrderState.FILLED)
        await run.until_settled()


@scenario()
async def no_order_is_lost_or_doubled_when_the_line_breaks_in_mid_submit(rig: BrokerRig) -> None:
    """Whatever byte of a request or its answer is the last, the order is at the venue once or proved not to be."""
    with ChaosProxy(rig.venue.address) as proxy:
        async with session(rig, address=proxy.address) as run:
            for direction in (proxy.to_server, proxy.to_client):
                for count in CUTS:
                    await run.until_ready()
                    direction.cut_after = count
                    await _leaves(run, run.buy(), direction)
                    direction.cut_after = None
            await run.until_ready()
            await run.until_settled()


async def _leaves(run: Session, order: Order, direction: Direction) -> None:
    """Wait until the line is cut, or the order has got through because so few bytes were needed."""
    on_its_way = {OrderState.INTENT, OrderState.SENT}
    await until(
        lambda: direction.cut_after is None or run.now(order).state not in on_its_way, "the line has to break", SETTLED_SECONDS
    )


@scenario()
async def nothing_is_sent_in_shadow_mode(rig: BrokerRig) -> None:
    """In shadow mode nobody connects to the venue, and no request arrives there."""
    async with session(rig, mode="shadow") as run:
        order = run.buy()
        if rig.venue.requests or rig.venue.connections:
            raise NotConformant(f"in shadow mode {rig.venue.requests} requests and {rig.venue.connections} connections arrived")
        run.core.desk.cancel(order.order_id)
