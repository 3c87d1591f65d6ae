"""Connections: made, refused, lost and dead ones, each said in its own way and in time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from ml4t.live.contracts.broker import Broker
from ml4t.live.errors import BrokerConnectionError, BrokerRefused, LiveError
from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance.beside import Beside
from ml4t.live.testing.conformance.broker.line import PRICE, QUANTITY, Line, connected, ended_with, resting
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import ANSWER_SECONDS, CONNECT_SECONDS, clock, found_dead, until, within
from ml4t.live.testing.port import nobody
from ml4t.live.testing.rig import BrokerRig

FROZEN_TURNS = 60
BLOCKED_SECONDS = 2.0


@scenario()
async def wrong_credentials_are_refused_at_once(rig: BrokerRig) -> None:
    """A connect with a wrong key raises BrokerRefused with words for it, and does not try again."""
    broker = rig.broker(wrong_credentials=True)
    try:
        await within(broker.connect(), "connect with wrong credentials")
    except BrokerRefused as error:
        if len(str(error).split()) < 3:
            raise NotConformant(f"wrong credentials are told as {str(error)!r}, which says nothing to a user") from error
    except BrokerConnectionError as error:
        raise NotConformant(f"wrong credentials were told as a lost connection, to be tried for ever: {error}") from error
    else:
        raise NotConformant("a connect with wrong credentials succeeded")
    finally:
        await within(broker.close(), "close")


@scenario()
async def nobody_listening_is_a_connection_error(rig: BrokerRig) -> None:
    """A connect where nobody listens raises BrokerConnectionError."""
    with nobody() as address:
        await _fails_to_connect(rig.broker(address=address), "a connect where nobody listens")


@scenario()
async def a_line_cut_while_connecting_is_a_connection_error(rig: BrokerRig) -> None:
    """A connect that is cut off at its first bytes raises BrokerConnectionError."""
    with ChaosProxy(rig.venue.address) as proxy:
        proxy.to_client.cut_after = 3
        await _fails_to_connect(rig.broker(address=proxy.address), "a connect that is cut off")


@scenario()
async def a_connect_that_gets_no_answer_can_be_given_up(rig: BrokerRig) -> None:
    """A connect that nobody answers raises BrokerConnectionError, or waits and can be cancelled."""
    with ChaosProxy(rig.venue.address) as proxy:
        proxy.blackhole(True)
        broker = rig.broker(address=proxy.address)
        try:
            async with clock.timeout(2.0):
                await broker.connect()
        except (TimeoutError, BrokerConnectionError):
            pass
        else:
            raise NotConformant("`connect` succeeded although nobody answers")
        finally:
            await within(broker.close(), "close after a connect that was given up")
        await until(lambda: not proxy.connections, "the connection has to be closed")


@scenario()
async def a_fin_ends_the_stream(rig: BrokerRig) -> None:
    """A connection that the venue closes makes `run` raise BrokerConnectionError at once."""
    await _is_lost(rig, lambda proxy: rig.venue.drop(), "the venue closed the connection", ANSWER_SECONDS)


@scenario()
async def a_reset_ends_the_stream(rig: BrokerRig) -> None:
    """A connection that is reset makes `run` raise BrokerConnectionError at once."""
    await _is_lost(rig, lambda proxy: rig.venue.drop(reset=True), "the connection was reset", ANSWER_SECONDS)


@scenario()
async def a_mute_venue_is_found_dead(rig: BrokerRig) -> None:
    """A venue that answers heartbeats and nothing else makes `run` raise BrokerConnectionError within the rig's patience."""
    await _is_lost(rig, lambda proxy: rig.venue.mute(True), "the venue is mute", found_dead(rig.patience))


@scenario()
async def a_frozen_line_is_found_dead(rig: BrokerRig) -> None:
    """A line on which nothing moves, without FIN or RST, is found dead within the rig's patience."""
    await _is_lost(rig, ChaosProxy.freeze, "nothing moves on the line", found_dead(rig.patience))


@scenario()
async def a_half_open_line_is_found_dead(rig: BrokerRig) -> None:
    """A line on which the venue hears and is not heard is found dead within the rig's patience."""
    await _is_lost(rig, lambda proxy: proxy.half_open(True), "the venue is not heard", found_dead(rig.patience))


@scenario()
async def garbled_bytes_end_the_stream_or_are_survived(rig: BrokerRig) -> None:
    """A byte that is damaged on its way ends the stream with BrokerConnectionError, or it goes on; it never goes deaf."""
    with ChaosProxy(rig.venue.address) as proxy:
        async with connected(rig, address=proxy.address, hold=True) as line:
            damaged, fresh = resting(rig, line.broker), resting(rig, line.broker, symbol=rig.second_symbol)
            for order in (damaged, fresh):
                await line.submit(order)
            proxy.to_client.corrupt_after = 2
            rig.venue.execute(damaged.order_id, QUANTITY, PRICE * 0.9)
            await until(lambda: proxy.to_client.corrupt_after is None, "the damaged byte has to pass")
            rig.venue.execute(fresh.order_id, QUANTITY, PRICE * 0.9)
            either = "either the stream has to end after a damaged byte, or what trades next to be heard"
            seconds = found_dead(rig.patience)
            await until(lambda: line.stream.done() or line.now(fresh).filled_quantity, either, seconds)
            if line.stream.done():
                _check_lost(ended_with(line.stream))


@scenario()
async def a_second_connection_silences_nobody(rig: BrokerRig) -> None:
    """When a second adapter connects, it is refused, or the first is told that it was put out, or both hear what happens."""
    async with connected(rig, hold=True) as line:
        order = resting(rig, line.broker)
        await line.submit(order)
        second = rig.broker()
        try:
            await within(second.connect(), "a second connect", CONNECT_SECONDS)
        except (BrokerRefused, BrokerConnectionError) as error:
            if not str(error):
                raise NotConformant("a second connect was refused without a word") from error
        rig.venue.execute(order.order_id, QUANTITY, PRICE)
        what = "after a second connect the first connection has to hear of a fill, or to end"
        try:
            await until(lambda: line.fills or line.stream.done(), what, found_dead(rig.patience))
        finally:
            await within(second.close(), "close")
        if line.stream.done():
            _check_lost(ended_with(line.stream))


@scenario()
async def it_opens_and_closes_twice(rig: BrokerRig) -> None:
    """One adapter can be closed before it was connected, closed twice, and connected again."""
    broker = rig.broker()
    await within(broker.close(), "close before a connect")
    for _ in range(2):
        async with connected(rig, broker=broker, hold=True) as line:
            order = resting(rig, broker)
            await line.submit(order)
            rig.venue.execute(order.order_id, QUANTITY, PRICE)
            await line.until_filled(order)
        await within(broker.close(), "a second close")
    async with connected(rig, broker=broker):
        rig.venue.drop(reset=True)
    async with connected(rig, broker=broker):
        pass


@scenario()
async def the_loop_is_never_blocked(rig: BrokerRig) -> None:
    """While a request waits for a venue that does not answer, everything else on the event loop goes on."""
    with ChaosProxy(rig.venue.address) as proxy:
        async with connected(rig, address=proxy.address, hold=True) as line:
            proxy.freeze()
            async with Beside(after=FROZEN_TURNS, then=proxy.thaw) as beside:
                await within(_try_to_submit(line), "a submit on a line that was frozen", CONNECT_SECONDS)
            if beside.longest > BLOCKED_SECONDS:
                raise NotConformant(
                    f"the event loop stood still for {beside.longest:.1f} s while a submit waited for its answer"
                )


async def _fails_to_connect(broker: Broker, what: str) -> None:
    try:
        await within(broker.connect(), what, CONNECT_SECONDS)
    except BrokerConnectionError as error:
        if not str(error):
            raise NotConformant(f"{what} failed without a word") from error
    except BrokerRefused as error:
        raise NotConformant(f"{what} was told to be refused for good: {error}") from error
    else:
        raise NotConformant(f"{what} succeeded")
    finally:
        await within(broker.close(), "close")


async def _is_lost(rig: BrokerRig, break_it: Callable[[ChaosProxy], None], what: str, seconds: float) -> None:
    """Break the line of a connected adapter, and see that it says so; then it connects again."""
    with ChaosProxy(rig.venue.address) as proxy:
        async with connected(rig, address=proxy.address) as line:
            break_it(proxy)
            _check_lost(await line.until_lost(what, seconds))
    rig.venue.mute(False)
    async with connected(rig):
        pass


async def _try_to_submit(line: Line) -> None:
    with contextlib.suppress(LiveError):
        await line.broker.submit(resting(line.rig, line.broker))


def _check_lost(error: BaseException) -> None:
    if not isinstance(error, BrokerConnectionError | BrokerRefused):
        raise NotConformant(f"a lost stream raises BrokerConnectionError, and this one {error!r}") from error
    if not str(error):
        raise NotConformant("a lost stream was told without a word") from error
