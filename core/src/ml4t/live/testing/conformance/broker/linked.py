"""Orders that belong together."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, cast

from ml4t.live.contracts.broker import OrderUpdate, SubmitsBrackets, SubmitsOco
from ml4t.live.model import Order, OrderSide, OrderState, OrderType
from ml4t.live.testing.conformance.broker.line import PRICE, QUANTITY, Line, connected, new_order, resting
from ml4t.live.testing.conformance.broker.needs import brackets, pairs
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import clock, within
from ml4t.live.testing.rig import BrokerRig


@scenario(brackets)
async def a_bracket_is_three_orders_that_end_together(rig: BrokerRig) -> None:
    """An entry with two exits is sent as one; when one exit has traded the other is gone."""
    async with connected(rig, hold=True) as line:
        entry, profit, loss = orders = _bracket(line)
        await _send(line, orders, cast(SubmitsBrackets, line.broker).submit_bracket(*orders))
        rig.venue.execute(entry.order_id, QUANTITY, PRICE * 0.9)
        await line.until_filled(entry)
        rig.venue.execute(profit.order_id, QUANTITY, PRICE * 1.1)
        await line.until_filled(profit)
        await line.until_state(loss, OrderState.CANCELLED)
        if any(there.is_open for there in rig.venue.orders()):
            raise NotConformant("an exit works at the venue although the other has traded")


@scenario(brackets)
async def a_cancel_of_an_entry_ends_its_bracket(rig: BrokerRig) -> None:
    """An entry that is cancelled before it has traded takes its exits with it."""
    async with connected(rig, hold=True) as line:
        entry, profit, loss = orders = _bracket(line)
        await _send(line, orders, cast(SubmitsBrackets, line.broker).submit_bracket(*orders))
        await within(line.broker.cancel(line.now(entry)), "cancel")
        for order in (entry, profit, loss):
            await line.until_state(order, OrderState.CANCELLED)


@scenario(pairs)
async def of_a_pair_one_order_cancels_the_other(rig: BrokerRig) -> None:
    """When one of two orders that were sent as a pair has traded the other is cancelled."""
    async with connected(rig, hold=True) as line:
        first = resting(rig, line.broker, oco_group="pair")
        second = resting(rig, line.broker, oco_group="pair", limit_price=PRICE * 0.8)
        await _send(line, (first, second), cast(SubmitsOco, line.broker).submit_oco(first, second))
        rig.venue.execute(first.order_id, QUANTITY, PRICE * 0.9)
        await line.until_filled(first)
        await line.until_state(second, OrderState.CANCELLED)


def _bracket(line: Line) -> tuple[Order, Order, Order]:
    entry = resting(line.rig, line.broker)
    shared: dict[str, Any] = {"side": OrderSide.SELL, "parent_id": entry.order_id, "oco_group": entry.order_id}
    profit = new_order(line.rig, line.broker, order_type=OrderType.LIMIT, limit_price=PRICE * 1.1, **shared)
    loss = new_order(line.rig, line.broker, order_type=OrderType.STOP, stop_price=PRICE * 0.8, **shared)
    return entry, profit, loss


async def _send(line: Line, orders: Sequence[Order], work: Awaitable[Sequence[str]]) -> None:
    """Send orders as one, and book the acknowledgement of each as core does."""
    for order in orders:
        line.desk.orders.put(order.changed(state=OrderState.SENT))
    venue_order_ids = await within(work, "a submit of several orders")
    if len(set(venue_order_ids)) != len(orders):
        raise NotConformant(f"{len(orders)} orders were sent as one, and their ids at the venue are {venue_order_ids}")
    for order, venue_order_id in zip(orders, venue_order_ids, strict=True):
        line.order(OrderUpdate(order.order_id, OrderState.WORKING, clock.now(), venue_order_id))
