"""Nothing is left running."""

from __future__ import annotations

from ml4t.live.contracts.broker import Broker
from ml4t.live.errors import BrokerConnectionError
from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance.broker.line import PRICE, QUANTITY, connected, resting
from ml4t.live.testing.conformance.leftovers import nothing_left, running
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import clock, found_dead, until, within
from ml4t.live.testing.rig import BrokerRig


@scenario()
async def nothing_is_left_running(rig: BrokerRig) -> None:
    """After a close there is no task, thread, socket or connection that was not there before."""
    async with nothing_left(lambda: rig.venue.connections), connected(rig, hold=True) as line:
        order = resting(rig, line.broker)
        await line.submit(order)
        rig.venue.execute(order.order_id, QUANTITY, PRICE)
        await line.until_filled(order)


@scenario()
async def nothing_is_left_running_after_a_lost_line(rig: BrokerRig) -> None:
    """The same when the line was lost, and the adapter closed after that."""
    async with nothing_left(lambda: rig.venue.connections), connected(rig) as line:
        rig.venue.drop(reset=True)
        await line.until_lost("the connection was reset", found_dead(rig.patience))


@scenario()
async def nothing_is_left_running_after_a_connect_that_failed(rig: BrokerRig) -> None:
    """The same when a connect was cancelled half-way, and when nobody answered."""
    with ChaosProxy(rig.venue.address) as proxy:
        for break_it in (proxy.freeze, lambda: proxy.refuse(True)):
            break_it()
            async with nothing_left(lambda: rig.venue.connections):
                await _give_up(rig.broker(address=proxy.address))
                proxy.thaw()
                proxy.reset()


async def _give_up(broker: Broker) -> None:
    before = running()
    try:
        async with clock.timeout(1.0):
            await broker.connect()
    except (TimeoutError, BrokerConnectionError):
        pass
    else:
        raise NotConformant("`connect` succeeded although nothing moves on the line")
    await within(broker.close(), "close")
    await until(lambda: running() <= before, "a connect that was given up has to end")
