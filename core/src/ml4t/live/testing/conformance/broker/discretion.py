"""What is not said, and what is not sent."""

from __future__ import annotations

import contextlib

from ml4t.live.errors import LiveError
from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance.broker.line import connected, new_order, resting
from ml4t.live.testing.conformance.hearing import Hearing
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import CONNECT_SECONDS, within
from ml4t.live.testing.rig import BrokerRig


@scenario()
async def no_secret_is_told(rig: BrokerRig) -> None:
    """No secret is in a log of any level, in what is printed, in a repr, or in an exception."""
    hearing = Hearing()
    with hearing.listening(), ChaosProxy(rig.venue.address) as proxy:
        await _good_day(rig, hearing, proxy)
        await _bad_day(rig, hearing, proxy)
    hearing.check(rig.secrets)


async def _good_day(rig: BrokerRig, hearing: Hearing, proxy: ChaosProxy) -> None:
    async with connected(rig, address=proxy.address, hold=True) as line:
        order = resting(rig, line.broker)
        await line.submit(order)
        await within(line.broker.cancel(line.now(order)), "cancel")
        hearing.say("the repr of the adapter", f"{line.broker!r} {line.broker}")
        hearing.say("the snapshot", repr(await within(line.broker.snapshot(0), "snapshot")))
        proxy.refuse(True)
        proxy.reset()
        try:
            await within(line.broker.submit(new_order(rig, line.broker)), "submit")
        except LiveError as error:
            hearing.error(error)
        with contextlib.suppress(LiveError):
            hearing.error(await line.until_lost("the line was cut", 2 * rig.patience + CONNECT_SECONDS))


async def _bad_day(rig: BrokerRig, hearing: Hearing, proxy: ChaosProxy) -> None:
    """Connect where nobody listens, and with wrong credentials."""
    for broker in (rig.broker(address=proxy.address), rig.broker(wrong_credentials=True)):
        try:
            await within(broker.connect(), "connect", CONNECT_SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
            hearing.error(error)
        hearing.say("the repr of an adapter that is not connected", repr(broker))
        await within(broker.close(), "close")
