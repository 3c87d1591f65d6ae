"""Snapshots: complete, or refused."""

from __future__ import annotations

from ml4t.live.errors import BrokerConnectionError
from ml4t.live.model import OrderSide, OrderState
from ml4t.live.testing.conformance.broker.line import PRICE, QUANTITY, connected, resting
from ml4t.live.testing.conformance.broker.needs import shorts
from ml4t.live.testing.conformance.broker.orders import same
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import CONNECT_SECONDS, clock, within
from ml4t.live.testing.rig import BrokerRig
from ml4t.live.times import NANOS

CENT = 0.01
HOUR = 3_600 * NANOS


@scenario()
async def a_snapshot_is_the_venues_books(rig: BrokerRig) -> None:
    """Holdings, cash, executions and working orders of a snapshot are what the venue has, at a connect and later."""
    async with connected(rig, hold=True) as line:
        filled = resting(rig, line.broker)
        partial = resting(rig, line.broker, symbol=rig.second_symbol)
        for order in (filled, partial):
            await line.submit(order)
        rig.venue.execute(filled.order_id, QUANTITY, PRICE * 0.9)
        rig.venue.execute(partial.order_id, QUANTITY * 0.4, PRICE * 0.9)
        await line.until_filled(filled)
        await line.until_state(partial, OrderState.PARTIALLY_FILLED)
        later = await within(line.broker.snapshot(0), "snapshot")
    async with connected(rig, hold=True) as line:
        for snapshot in (later, line.snapshot):
            held = {position.symbol: position.quantity for position in snapshot.positions if position.quantity}
            there = {symbol: quantity for symbol, quantity in rig.venue.positions().items() if quantity}
            if held != there:
                raise NotConformant(f"the holdings are told as {held}, and are {there}")
            if abs(snapshot.account.cash - rig.venue.cash()) > CENT:
                raise NotConformant(f"the cash is told as {snapshot.account.cash}, and is {rig.venue.cash()}")
            told = [(order.order_id, order.symbol, order.side, order.quantity) for order in snapshot.orders]
            if told != [(partial.order_id, partial.symbol, partial.side, partial.quantity)]:
                raise NotConformant(f"one order works, {partial.order_id}, and the snapshot has {told}")
            same(snapshot.orders[0].filled_quantity, QUANTITY * 0.4, "what has traded of the working order")
            ids = {fill.order_id: fill.quantity for fill in snapshot.fills}
            if ids != {filled.order_id: QUANTITY, partial.order_id: QUANTITY * 0.4}:
                raise NotConformant(f"two orders have traded, and the executions told are {ids}")


@scenario()
async def an_account_has_a_name_and_a_kind(rig: BrokerRig) -> None:
    """The account of a snapshot has a name, a currency, one of the declared kinds, and the time of now."""
    async with connected(rig) as line:
        account = line.snapshot.account
        if not account.account or not account.currency:
            raise NotConformant(f"the account says too little: {account}")
        if account.kind not in line.broker.capabilities.kinds:
            raise NotConformant(f"the account is {account.kind!r}, and declared are {sorted(line.broker.capabilities.kinds)}")
        if abs(account.time - clock.now()) > HOUR:
            raise NotConformant(f"the account's time is {account.time}, which is not the time of now in nanoseconds UTC")


@scenario(shorts)
async def a_short_position_is_negative(rig: BrokerRig) -> None:
    """What was sold short is a holding below zero."""
    async with connected(rig, hold=True) as line:
        await line.submit(order := resting(rig, line.broker, side=OrderSide.SELL))
        rig.venue.execute(order.order_id, QUANTITY, PRICE)
        await line.until_filled(order)
        snapshot = await within(line.broker.snapshot(0), "snapshot")
        held = {position.symbol: position.quantity for position in snapshot.positions}
        if held != {rig.symbol: -QUANTITY}:
            raise NotConformant(f"{QUANTITY:g} were sold short, and the holdings are told as {held}")


@scenario()
async def a_partial_start_is_refused(rig: BrokerRig) -> None:
    """A venue that tells only a part of its books at the start makes `connect` raise BrokerConnectionError."""
    rig.venue.sync_partially(True)
    broker = rig.broker()
    try:
        snapshot = await within(broker.connect(), "connect to a venue that tells only a part", CONNECT_SECONDS)
    except BrokerConnectionError:
        pass
    else:
        raise NotConformant(f"the venue told only a part of its books, and `connect` returned {snapshot}")
    finally:
        await within(broker.close(), "close")
    rig.venue.sync_partially(False)
    async with connected(rig):
        pass
