"""Orders: each kind arrives as it was meant, and its course comes back."""

from __future__ import annotations

import contextlib
from itertools import product
from math import isclose
from typing import Any

from ml4t.live.errors import BrokerRefused
from ml4t.live.model import Fill, Order, OrderSide, OrderState, OrderType, Terms
from ml4t.live.testing.conformance.broker.line import PRICE, QUANTITY, Line, connected, new_order, resting
from ml4t.live.testing.conformance.broker.needs import fractional, replaces, takes
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import within
from ml4t.live.testing.rig import BrokerRig
from ml4t.live.times import NANOS

DAY = 86_400 * NANOS


@scenario(takes(OrderType.MARKET))
async def a_market_order_fills(rig: BrokerRig) -> None:
    """A market order trades at the market, and everything about its execution is told."""
    async with connected(rig) as line:
        order = new_order(rig, line.broker)
        venue_order_id = await line.submit(order)
        done = await line.until_filled(order)
        [fill] = {fill.execution_id: fill for fill in line.fills}.values()  # once more, with its fee, is harmless
        check_fill(fill, order, QUANTITY, PRICE)
        if fill.venue_order_id not in {"", venue_order_id}:
            raise NotConformant(f"submit returned {venue_order_id!r}, the fill says {fill.venue_order_id!r}")
        if abs(fill.time - done.created_at) > DAY:
            raise NotConformant(f"the fill's time is {fill.time}, which is not the time of now in nanoseconds UTC")
        same(line.desk.portfolio.quantity(rig.symbol), rig.venue.positions()[rig.symbol], "the holding")


@scenario(takes(OrderType.MARKET))
async def a_sell_order_sells(rig: BrokerRig) -> None:
    """What sells a holding sells: the side of an order and of its execution is the one that was meant."""
    async with connected(rig) as line:
        await line.submit(bought := new_order(rig, line.broker))
        await line.until_filled(bought)
        await line.submit(sold := new_order(rig, line.broker, side=OrderSide.SELL, quantity=QUANTITY / 2))
        await line.until_filled(sold)
        check_fill(line.fills[-1], sold, QUANTITY / 2, PRICE)
        same(line.desk.portfolio.quantity(rig.symbol), QUANTITY / 2, "the holding")
        same(rig.venue.positions()[rig.symbol], QUANTITY / 2, "the holding at the venue")


@scenario(takes(OrderType.LIMIT))
async def a_limit_order_waits_for_its_price(rig: BrokerRig) -> None:
    """A limit order works until the market comes to its price, and trades no worse than that."""
    async with connected(rig) as line:
        await _waits(line, resting(rig, line.broker), PRICE * 0.89, at_most=PRICE * 0.9)


@scenario(takes(OrderType.STOP))
async def a_stop_order_waits_for_its_price(rig: BrokerRig) -> None:
    """A stop order works until the market comes to its price, and then trades."""
    async with connected(rig) as line:
        order = new_order(rig, line.broker, **waiting(OrderType.STOP))
        await _waits(line, order, PRICE * 1.11, at_most=PRICE * 1.2)


@scenario(takes(OrderType.STOP_LIMIT))
async def a_stop_limit_order_waits_for_its_price(rig: BrokerRig) -> None:
    """A stop-limit order works until the market comes to its stop, and trades no worse than its limit."""
    async with connected(rig) as line:
        order = new_order(rig, line.broker, **waiting(OrderType.STOP_LIMIT))
        await _waits(line, order, PRICE * 1.11, at_most=PRICE * 1.2)


@scenario()
async def every_order_type_arrives_as_it_was_meant(rig: BrokerRig) -> None:
    """The venue gets the type, side, quantity and prices of every kind of order that is declared."""
    async with connected(rig, hold=True) as line:
        capabilities = line.broker.capabilities
        sides = (OrderSide.BUY, OrderSide.SELL) if capabilities.shorts else (OrderSide.BUY,)
        for order_type, side in product(sorted(capabilities.order_types), sides):
            order = new_order(rig, line.broker, **waiting(order_type, side))
            await line.submit(order)
            _check_arrived(line, order)


@scenario(takes(OrderType.LIMIT))
async def every_time_in_force_arrives_as_it_was_meant(rig: BrokerRig) -> None:
    """The venue is told how long an order works, for every time in force that is declared."""
    async with connected(rig, hold=True) as line:
        for time_in_force in sorted(line.broker.capabilities.times_in_force):
            order = resting(rig, line.broker, time_in_force=time_in_force)
            await line.submit(order)
            [there] = _check_arrived(line, order)
            if there.time_in_force is not time_in_force:
                raise NotConformant(f"an order that is {time_in_force} arrived as {there.time_in_force}")


@scenario(fractional)
async def a_fraction_arrives_as_it_was_meant(rig: BrokerRig) -> None:
    """An order for half a unit is one for half a unit at the venue."""
    async with connected(rig, hold=True) as line:
        order = new_order(rig, line.broker, quantity=0.5)
        await line.submit(order)
        _check_arrived(line, order)


@scenario()
async def a_cancel_ends_a_working_order(rig: BrokerRig) -> None:
    """A cancel ends an order here and at the venue, with nothing traded."""
    async with connected(rig, hold=True) as line:
        order = resting(rig, line.broker)
        await line.submit(order)
        await within(line.broker.cancel(line.now(order)), "cancel")
        await line.until_state(order, OrderState.CANCELLED)
        if any(there.is_open for there in line.at_venue(order)):
            raise NotConformant("the order is told to be cancelled, and works at the venue")


@scenario()
async def a_cancel_after_a_partial_fill_keeps_what_has_traded(rig: BrokerRig) -> None:
    """An order that is cancelled half-way is cancelled, and what it had traded counts."""
    async with connected(rig, hold=True) as line:
        order = resting(rig, line.broker)
        await line.submit(order)
        rig.venue.execute(order.order_id, QUANTITY * 0.4, PRICE * 0.9)
        await line.until_state(order, OrderState.PARTIALLY_FILLED)
        await within(line.broker.cancel(line.now(order)), "cancel")
        done = await line.until_state(order, OrderState.CANCELLED)
        same(done.filled_quantity, QUANTITY * 0.4, "what has traded")


@scenario()
async def a_cancel_of_a_finished_order_changes_nothing(rig: BrokerRig) -> None:
    """A cancel that comes too late is refused or ignored; the order stays filled and the stream goes on."""
    async with connected(rig, hold=True) as line:
        order = resting(rig, line.broker)
        await line.submit(order)
        rig.venue.execute(order.order_id, QUANTITY, PRICE * 0.9)
        await line.until_filled(order)
        with contextlib.suppress(BrokerRefused):
            await within(line.broker.cancel(line.now(order)), "cancel")
        await _still_works(line)
        if line.now(order).state is not OrderState.FILLED or line.desk.portfolio.quantity(rig.symbol) != QUANTITY:
            raise NotConformant(f"the filled order is {line.now(order).state} after a cancel that came too late")


@scenario(replaces)
async def a_replace_changes_the_order_in_place(rig: BrokerRig) -> None:
    """A working order gets other terms, told with `terms`, is the only one at the venue, and trades under our id."""
    async with connected(rig, hold=True) as line:
        order = resting(rig, line.broker)
        await line.submit(order)
        terms = Terms(QUANTITY + 2, PRICE * 0.91)
        await _replace(line, order, terms)
        await line.until(lambda: line.now(order).terms == terms, f"the order has to be on {terms}")
        working = [there for there in rig.venue.orders() if there.is_open]
        if [(there.quantity, there.limit_price) for there in working] != [(terms.quantity, terms.limit_price)]:
            raise NotConformant(f"after a replace by {terms} there works at the venue: {working}")
        rig.venue.execute(order.order_id, QUANTITY + 2, PRICE * 0.91)
        done = await line.until_filled(order)
        same(done.filled_quantity, QUANTITY + 2, "what has traded")


@scenario(replaces)
async def a_replace_after_a_partial_fill_counts_what_has_traded(rig: BrokerRig) -> None:
    """The quantity of a replace is the whole of the order: what has traded already is not traded again."""
    async with connected(rig, hold=True) as line:
        order = resting(rig, line.broker)
        await line.submit(order)
        rig.venue.execute(order.order_id, 4.0, PRICE * 0.9)
        await line.until_state(order, OrderState.PARTIALLY_FILLED)
        terms = Terms(QUANTITY - 2, PRICE * 0.91)
        await _replace(line, order, terms)
        await line.until(lambda: line.now(order).terms == terms, f"the order has to be on {terms}")
        left = sum(there.remaining for there in rig.venue.orders() if there.is_open)
        same(left, QUANTITY - 6, "what is left to trade at the venue")


@scenario(replaces)
async def a_replace_of_a_finished_order_changes_nothing(rig: BrokerRig) -> None:
    """A replace that comes too late is refused or ignored, and makes no new order."""
    async with connected(rig, hold=True) as line:
        order = resting(rig, line.broker)
        await line.submit(order)
        rig.venue.execute(order.order_id, QUANTITY, PRICE * 0.9)
        await line.until_filled(order)
        with contextlib.suppress(BrokerRefused):
            await _replace(line, order, Terms(QUANTITY + 2, PRICE * 0.91))
        await _still_works(line)
        if line.now(order).state is not OrderState.FILLED:
            raise NotConformant(f"the filled order is {line.now(order).state} after a replace that came too late")
        if working := [there for there in rig.venue.orders() if there.is_open]:
            raise NotConformant(f"after a replace that came too late there works at the venue: {working}")


def waiting(order_type: OrderType, side: OrderSide = OrderSide.BUY) -> dict[str, Any]:
    """Return what an order of a type says so that it waits for the market to move by a tenth."""
    better, worse, worst = (PRICE * (1 + side.sign * change) for change in (-0.1, 0.1, 0.2))
    prices = {
        OrderType.LIMIT: {"limit_price": better},
        OrderType.STOP: {"stop_price": worse},
        OrderType.STOP_LIMIT: {"stop_price": worse, "limit_price": worst},
        OrderType.TRAILING_STOP: {"trail_amount": 5.0},
    }
    rounded = {name: round(price, 2) for name, price in prices.get(order_type, {}).items()}
    return {"order_type": order_type, "side": side, **rounded}


async def _waits(line: Line, order: Order, touched: float, *, at_most: float) -> None:
    await line.submit(order)
    await line.until_state(order, OrderState.WORKING)
    _check_arrived(line, order)
    if line.fills:
        raise NotConformant("it traded before the market came to its price")
    line.rig.venue.price(order.symbol, touched)
    await line.until_filled(order)
    if line.fills[-1].price > at_most * (1 + 1e-9):
        raise NotConformant(f"it was told to trade at {line.fills[-1].price:g}, which is worse than {at_most:g}")


async def _replace(line: Line, order: Order, terms: Terms) -> None:
    if line.now(order).is_open:
        line.desk.orders.put(line.now(order).changed(amendment=terms))  # as the desk does before it asks
    await within(
        line.broker.replace(
            line.now(order), quantity=terms.quantity, limit_price=terms.limit_price, stop_price=terms.stop_price
        ),
        "replace",
    )


async def _still_works(line: Line) -> None:
    """An order goes there and back, so that whatever was on its way before has arrived."""
    order = resting(line.rig, line.broker, symbol=line.rig.second_symbol)
    await line.submit(order)
    line.rig.venue.execute(order.order_id, QUANTITY, PRICE * 0.9)
    await line.until_filled(order)


def _check_arrived(line: Line, order: Order) -> list[Order]:
    there = line.at_venue(order)
    if len(there) != 1:
        raise NotConformant(f"the venue has {len(there)} orders under the id {order.order_id}")
    meant, arrived = _words(order), _words(there[0])
    if meant != arrived:
        raise NotConformant(f"the order was {meant}, and arrived as {arrived}")
    return there


def _words(order: Order) -> tuple[object, ...]:
    prices = (order.limit_price, order.stop_price, order.trail_amount)
    return (order.order_type.value, order.side.value, order.symbol, order.quantity, *(p and round(p, 6) for p in prices))


def check_fill(fill: Fill, order: Order, quantity: float, price: float) -> None:
    """Raise NotConformant when a fill is not that of an order, or says too little."""
    if not fill.execution_id:
        raise NotConformant("a fill has no execution id")
    if (fill.order_id, fill.symbol, fill.side) != (order.order_id, order.symbol, order.side):
        raise NotConformant(f"the fill of {order} is {fill}")
    same(fill.quantity, quantity, "the quantity of the fill")
    same(fill.price, price, "the price of the fill")


def same(ours: float, theirs: float, what: str) -> None:
    """Raise NotConformant when two figures differ."""
    if not isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9):
        raise NotConformant(f"{what} is {ours:g} instead of {theirs:g}")
