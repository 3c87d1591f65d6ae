"""Silence: dead sources are found, and slow listeners lose nothing without a word."""

from __future__ import annotations

from collections.abc import Callable

from ml4t.live.contracts.feed import Backfills
from ml4t.live.errors import FeedDisconnected
from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance.feed.ear import Heard, alone, supervised
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import ANSWER_SECONDS, CONNECT_SECONDS, found_dead, until
from ml4t.live.testing.rig import FeedRig

FLOOD = 5_000


@scenario()
async def a_fin_ends_the_run(rig: FeedRig) -> None:
    """A connection that the source closes makes `run` raise FeedDisconnected at once."""
    await _is_lost(rig, lambda proxy: rig.source.drop(), "the source closed the connection", ANSWER_SECONDS)


@scenario()
async def a_reset_ends_the_run(rig: FeedRig) -> None:
    """A connection that is reset makes `run` raise FeedDisconnected at once."""
    await _is_lost(rig, lambda proxy: rig.source.drop(reset=True), "the connection was reset", ANSWER_SECONDS)


@scenario()
async def a_frozen_line_is_found_dead(rig: FeedRig) -> None:
    """A line on which nothing moves, without FIN or RST, is found dead within the rig's patience."""
    await _is_lost(rig, ChaosProxy.freeze, "nothing moves on the line", found_dead(rig.patience))


@scenario()
async def a_half_open_line_is_found_dead(rig: FeedRig) -> None:
    """A line on which the source hears and is not heard is found dead within the rig's patience."""
    await _is_lost(rig, lambda proxy: proxy.half_open(True), "the source is not heard", found_dead(rig.patience))


@scenario()
async def garbled_bytes_end_the_run_or_are_survived(rig: FeedRig) -> None:
    """A byte that is damaged on its way ends the run with FeedDisconnected, or the feed goes on; it is never deaf for good."""
    with ChaosProxy(rig.source.address) as proxy:
        async with alone(rig, address=proxy.address) as ear:
            proxy.to_client.corrupt_after = 2
            ear.emit(1)
            await until(lambda: proxy.to_client.corrupt_after is None, "the damaged byte has to pass")
            fresh = ear.emit(3)
            running = ear.running
            either = "either the run has to end after a damaged byte, or what comes next to be heard"
            await until(lambda: not ear.missing(fresh) or running is None or running.done(), either, found_dead(rig.patience))
            if ear.missing(fresh) and running is not None and not isinstance(running.exception(), FeedDisconnected):
                raise NotConformant(f"a damaged byte ended the run with {running.exception()!r}") from running.exception()


@scenario()
async def a_mute_source_is_found_within_its_deadline(rig: FeedRig) -> None:
    """A source that answers heartbeats and tells nothing is lost within `silence_seconds`; then everything is heard again.

    A heartbeat is no answer: a feed that calls `alive` for one is never found mute.
    """
    deadline = max(2.0, rig.patience)
    async with supervised(rig, silence_seconds=deadline) as heard:
        emitted = heard.emit(2, *rig.symbols)
        await heard.until_heard(emitted)
        rig.source.mute(True)
        missed = heard.emit(2, *rig.symbols)
        await heard.until_lost(found_dead(deadline * 2), count=len(heard.losses) + 1)
        rig.source.mute(False)
        emitted += await heard.until_back()
        emitted += (fresh := heard.emit(2, *rig.symbols))
        await heard.until_heard([*emitted, *missed] if isinstance(heard.feed, Backfills) else fresh)


@scenario()
async def a_slow_listener_loses_nothing_without_a_word(rig: FeedRig) -> None:
    """When much happens while the listener is busy everything is heard once and in order, or the hole is told."""
    async with supervised(rig) as heard:
        emitted = heard.emit(FLOOD)  # without a turn of the loop in between
        while heard.missing(emitted) and not heard.gaps:
            await _until_more(heard)
        if not heard.missing(emitted):
            heard.check_once_and_in_order(emitted)


async def _until_more(heard: Heard) -> None:
    """Wait until one more event is heard, or a gap told: a busy machine may take its time for all of them."""
    known, seconds = len(heard.events), CONNECT_SECONDS + heard.rig.patience * 2
    what = "all that happened while the listener was busy has to be heard, or told as a gap; nothing more has come"
    await heard.until(lambda: len(heard.events) > known or heard.gaps, what, seconds)


async def _is_lost(rig: FeedRig, break_it: Callable[[ChaosProxy], None], what: str, seconds: float) -> None:
    with ChaosProxy(rig.source.address) as proxy:
        async with alone(rig, address=proxy.address) as ear:
            running = ear.running
            if running is None:
                raise NotConformant("the feed does not run")
            break_it(proxy)
            await until(running.done, f"`run` has to end because {what}", seconds)
            error = running.exception()
            if not isinstance(error, FeedDisconnected):
                raise NotConformant(f"a lost source raises FeedDisconnected, and this one {error!r}") from error
            if not str(error):
                raise NotConformant("a lost source was told without a word") from error
