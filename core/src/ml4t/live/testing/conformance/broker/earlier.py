"""Orders of an earlier connection: an adapter that has just begun takes over what another one has left."""

from __future__ import annotations

from ml4t.live.model import Order, OrderState, Terms
from ml4t.live.testing.conformance.broker.line import PRICE, QUANTITY, Line, connected, resting
from ml4t.live.testing.conformance.broker.needs import replaces
from ml4t.live.testing.conformance.broker.orders import same
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import within
from ml4t.live.testing.rig import BrokerRig

FIRST = 4.0
"""What trades in the first part."""


@scenario()
async def an_order_of_an_earlier_connection_trades_and_is_cancelled(rig: BrokerRig) -> None:
    """An order that an earlier adapter has sent is told under our id when it trades, and can be cancelled."""
    order = await _left_behind(rig)
    async with connected(rig, hold=True) as line:
        _take_over(line, order)
        rig.venue.execute(order.order_id, FIRST, PRICE * 0.9)
        await line.until_state(order, OrderState.PARTIALLY_FILLED)
        await within(line.broker.cancel(line.now(order)), "cancel")
        done = await line.until_state(order, OrderState.CANCELLED)
        same(done.filled_quantity, FIRST, "what has traded")
        if any(there.is_open for there in line.at_venue(order)):
            raise NotConformant("the order is told to be cancelled, and works at the venue")


@scenario(replaces)
async def an_order_of_an_earlier_connection_is_replaced(rig: BrokerRig) -> None:
    """An order that an earlier adapter has sent gets other terms, and is the only one at the venue."""
    order = await _left_behind(rig)
    async with connected(rig, hold=True) as line:
        _take_over(line, order)
        terms = Terms(QUANTITY + 2, PRICE * 0.91)
        line.desk.orders.put(line.now(order).changed(amendment=terms))  # as the desk does before it asks
        await within(
            line.broker.replace(
                line.now(order), quantity=terms.quantity, limit_price=terms.limit_price, stop_price=terms.stop_price
            ),
            "replace",
        )
        await line.until(lambda: line.now(order).terms == terms, f"the order has to be on {terms}")
        left = [there.quantity for there in rig.venue.orders() if there.is_open]
        if left != [terms.quantity]:
            raise NotConformant(f"after a replace by {terms} there work orders for {left} at the venue")


@scenario()
async def what_traded_while_away_is_in_the_next_snapshot(rig: BrokerRig) -> None:
    """Executions while nobody was connected are in the snapshot of the next connect, under our id, and in its holdings."""
    order = await _left_behind(rig)
    first = rig.venue.execute(order.order_id, FIRST, PRICE * 0.9)
    rig.venue.execute(order.order_id, QUANTITY - FIRST, PRICE * 0.8)
    async with connected(rig, hold=True) as line:
        traded = {fill.execution_id: (fill.order_id, fill.quantity, fill.price) for fill in line.snapshot.fills}
        wanted = [(order.order_id, FIRST, PRICE * 0.9), (order.order_id, QUANTITY - FIRST, PRICE * 0.8)]
        if sorted(traded.values()) != sorted(wanted):
            raise NotConformant(f"while away {wanted} traded ({first} first), and the snapshot has {traded}")
        held = {position.symbol: position.quantity for position in line.snapshot.positions}
        same(held.get(rig.symbol, 0.0), QUANTITY, "the holding")
        if line.snapshot.orders:
            raise NotConformant(f"the order has traded while away, and is told to work: {line.snapshot.orders}")


@scenario()
async def a_correction_while_away_holds_in_the_next_snapshot(rig: BrokerRig) -> None:
    """An execution that was corrected while nobody was connected counts once, at what holds of it in the end."""
    order = await _left_behind(rig)
    rig.venue.correct(rig.venue.execute(order.order_id, FIRST, PRICE * 0.9), PRICE * 0.8)
    async with connected(rig, hold=True) as line:
        _take_over(line, order)
        for fill in line.snapshot.fills:
            line.fill(fill)
        same(line.now(order).filled_quantity, FIRST, "what has traded")
        same(line.now(order).average_price or 0.0, PRICE * 0.8, "the average price after a correction")


async def _left_behind(rig: BrokerRig) -> Order:
    """Send an order, let it work, and disconnect."""
    async with connected(rig, hold=True) as line:
        order = resting(rig, line.broker)
        venue_order_id = await line.submit(order)
        await line.until_state(order, OrderState.WORKING)
    return order.changed(state=OrderState.WORKING, venue_order_id=venue_order_id)


def _take_over(line: Line, order: Order) -> None:
    """Know an order as core does after a restart: from the journal, and told by the snapshot."""
    told = [each.order_id for each in line.snapshot.orders]
    if told != [order.order_id]:
        raise NotConformant(f"{order.order_id} works at the venue, and the snapshot has {told}")
    line.desk.orders.put(order)
