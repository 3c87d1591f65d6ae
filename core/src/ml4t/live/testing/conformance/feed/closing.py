"""Beginnings and endings: refused at once, closed in mid-stream, nothing told and nothing left."""

from __future__ import annotations

import asyncio

from ml4t.live.contracts.feed import Feed
from ml4t.live.errors import FeedDisconnected, FeedRefused
from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance.feed.ear import Ear, alone
from ml4t.live.testing.conformance.hearing import Hearing
from ml4t.live.testing.conformance.leftovers import nothing_left
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import ANSWER_SECONDS, CONNECT_SECONDS, clock, found_dead, until, within
from ml4t.live.testing.port import nobody
from ml4t.live.testing.rig import FeedRig


@scenario()
async def wrong_credentials_are_refused_at_once(rig: FeedRig) -> None:
    """A wrong key makes `run` raise FeedRefused, with words for it: trying again would not help."""
    error = await _ends(rig, rig.feed(rig.symbols, wrong_credentials=True), ANSWER_SECONDS)
    if not isinstance(error, FeedRefused):
        raise NotConformant(f"wrong credentials raise FeedRefused, and these {error!r}") from error
    if len(str(error).split()) < 3:
        raise NotConformant(f"wrong credentials are told as {str(error)!r}, which says nothing to a user") from error


@scenario()
async def nobody_listening_is_a_disconnection(rig: FeedRig) -> None:
    """A run where nobody listens raises FeedDisconnected: core tries again."""
    with nobody() as address:
        error = await _ends(rig, rig.feed(rig.symbols, address=address), CONNECT_SECONDS)
    if not isinstance(error, FeedDisconnected):
        raise NotConformant(f"where nobody listens `run` raises FeedDisconnected, and here {error!r}") from error


@scenario()
async def a_line_cut_while_connecting_is_a_disconnection(rig: FeedRig) -> None:
    """A run that is cut off at its first bytes raises FeedDisconnected."""
    with ChaosProxy(rig.source.address) as proxy:
        proxy.to_client.cut_after = proxy.to_server.cut_after = 3  # whoever speaks first
        error = await _ends(rig, rig.feed(rig.symbols, address=proxy.address), CONNECT_SECONDS)
        if not isinstance(error, FeedDisconnected):
            raise NotConformant(f"a run that is cut off raises FeedDisconnected, and here {error!r}") from error


@scenario()
async def a_cancel_in_mid_stream_closes_everything(rig: FeedRig) -> None:
    """A run that is cancelled while events come ends at once, delivers nothing more, and leaves nothing."""
    async with nothing_left(lambda: rig.source.connections):
        async with alone(rig) as ear:
            await ear.until_heard(ear.emit(3, *rig.symbols))
            ear.emit(100, *rig.symbols)
        heard = len(ear.events)
        ear.emit(3, *rig.symbols)
        await until(lambda: not rig.source.connections, "the connection has to be closed")
        if len(ear.events) != heard:
            raise NotConformant("events came after the run had been cancelled")


@scenario()
async def it_runs_again(rig: FeedRig) -> None:
    """One feed can be run again after a cancel and after a loss."""
    feed = rig.feed(rig.symbols)
    for _ in range(2):
        async with alone(rig, feed=feed) as ear:
            await ear.until_heard(ear.emit(2, *rig.symbols))
        await _until_gone(rig)
    async with alone(rig, feed=feed) as ear:
        rig.source.drop(reset=True)
        await until(lambda: ear.running is None or ear.running.done(), "`run` has to end", ANSWER_SECONDS)
    await _until_gone(rig)
    async with alone(rig, feed=feed) as ear:
        await ear.until_heard(ear.emit(2, *rig.symbols))


@scenario()
async def nothing_is_left_running_after_a_lost_line(rig: FeedRig) -> None:
    """After a loss there is no task, thread, socket or connection that was not there before."""
    async with nothing_left(lambda: rig.source.connections), alone(rig) as ear:
        rig.source.drop(reset=True)
        await until(lambda: ear.running is None or ear.running.done(), "`run` has to end", found_dead(rig.patience))


@scenario()
async def nothing_is_left_running_after_a_start_that_was_cancelled(rig: FeedRig) -> None:
    """The same when a run is cancelled while it connects to a source that does not answer."""
    with ChaosProxy(rig.source.address) as proxy:
        proxy.blackhole(True)
        async with nothing_left(lambda: proxy.connections):
            feed = rig.feed(rig.symbols, address=proxy.address)
            try:
                async with clock.timeout(1.0):
                    await feed.run(Ear(rig, feed))
            except (TimeoutError, FeedDisconnected):
                pass


@scenario()
async def no_secret_is_told(rig: FeedRig) -> None:
    """No secret is in a log of any level, in what is printed, in a repr, or in an exception."""
    hearing = Hearing()
    with hearing.listening(), ChaosProxy(rig.source.address) as proxy:
        async with alone(rig, address=proxy.address) as ear:
            await ear.until_heard(ear.emit(1, *rig.symbols))
            hearing.say("the repr of the feed", f"{ear.feed!r} {ear.feed}")
            proxy.refuse(True)
            proxy.reset()
            await until(lambda: ear.running is None or ear.running.done(), "`run` has to end", CONNECT_SECONDS)
        if ear.running is not None and not ear.running.cancelled() and (error := ear.running.exception()) is not None:
            hearing.error(error)
        hearing.error(await _ends(rig, rig.feed(rig.symbols, address=proxy.address), CONNECT_SECONDS))
        if wrong_credentials_are_refused_at_once.name not in rig.exempt:
            hearing.error(await _ends(rig, rig.feed(rig.symbols, wrong_credentials=True), CONNECT_SECONDS))
    hearing.check(rig.secrets)


async def _until_gone(rig: FeedRig) -> None:
    """Wait until the source knows that nobody listens, or the next run would be taken to be subscribed already."""
    await until(lambda: not rig.source.subscriptions, "the source has to notice that the run has ended")


async def _ends(rig: FeedRig, feed: Feed, seconds: float) -> BaseException:
    """Run a feed that cannot run, and return what it raises."""
    running = asyncio.get_running_loop().create_task(feed.run(Ear(rig, feed)), name="feed")
    try:
        await until(running.done, "a run that cannot succeed has to end", seconds)
    finally:
        running.cancel()
        await within(asyncio.gather(running, return_exceptions=True), "the feed that was cancelled")
    error = running.exception() if not running.cancelled() else None
    if error is None:
        raise NotConformant("a run that cannot succeed has returned")
    return error
