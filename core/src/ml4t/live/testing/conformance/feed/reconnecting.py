"""Reconnecting under core's supervision: no hole that is not told, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable

from ml4t.live.contracts.feed import Backfills
from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.testing.conformance.feed.ear import Emitted, Heard, alone, supervised
from ml4t.live.testing.conformance.feed.needs import backfills
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import CONNECT_SECONDS, within
from ml4t.live.testing.rig import FeedRig

COUNT = 4


@scenario()
async def no_hole_and_nothing_twice_after_a_fin(rig: FeedRig) -> None:
    """What happened while a closed connection was away is backfilled, or told as a gap; nothing comes twice."""
    await _comes_back(rig, ChaosProxy.finish)


@scenario()
async def no_hole_and_nothing_twice_after_a_reset(rig: FeedRig) -> None:
    """The same after a RST."""
    await _comes_back(rig, ChaosProxy.reset)


@scenario()
async def no_hole_and_nothing_twice_after_a_freeze(rig: FeedRig) -> None:
    """The same after a line on which nothing moved, until it was found dead."""
    await _comes_back(rig, ChaosProxy.freeze)


@scenario()
async def no_hole_and_nothing_twice_after_a_restart_of_the_source(rig: FeedRig) -> None:
    """The same when the source itself has been restarted."""
    async with supervised(rig) as heard:
        emitted = heard.emit(COUNT, *rig.symbols)
        await heard.until_heard(emitted)
        rig.source.restart()
        emitted += (missed := heard.emit(COUNT, *rig.symbols))
        await heard.until_lost(rig.patience * 2 + CONNECT_SECONDS)
        await heard.until_subscribed()
        await _ends_whole(heard, emitted, missed)


@scenario(backfills)
async def a_backfill_is_exactly_what_happened(rig: FeedRig) -> None:
    """A backfill from `start` to `end` has all events from `start` on and none from `end` on, flagged, oldest first."""
    async with alone(rig) as ear:
        times = [each.time for each in ear.emit(COUNT + 2)]
        feed = ear.feed
        if not isinstance(feed, Backfills):
            raise NotConformant("it has no `backfill`")
        fetched = list(await within(feed.backfill(rig.symbols[0], times[1], times[-1]), "backfill", CONNECT_SECONDS))
        if [event.event_time for event in fetched] != times[1:-1]:
            raise NotConformant(
                f"from {times[1]} on and before {times[-1]} happened {times[1:-1]}, "
                f"and the backfill has {[event.event_time for event in fetched]}"
            )
        if not all(event.backfilled for event in fetched):
            raise NotConformant("the events of a backfill are not flagged as backfilled")
        if {event.symbol for event in fetched} != {rig.symbols[0]}:
            raise NotConformant(f"the backfill of {rig.symbols[0]} is of {sorted({event.symbol for event in fetched})}")


async def _comes_back(rig: FeedRig, break_it: Callable[[ChaosProxy], None]) -> None:
    """Break the line while things happen, and see what is known of them afterwards."""
    with ChaosProxy(rig.source.address) as proxy:
        async with supervised(rig, address=proxy.address) as heard:
            emitted = heard.emit(COUNT, *rig.symbols)
            await heard.until_heard(emitted)
            break_it(proxy)
            proxy.refuse(True)
            emitted += (missed := heard.emit(COUNT, *rig.symbols))
            await heard.until_lost(rig.patience * 2 + CONNECT_SECONDS)
            proxy.reset()
            proxy.thaw()
            await heard.until(lambda: not rig.source.subscriptions, "the source has to have noticed the loss")
            proxy.refuse(False)
            await heard.until_subscribed()
            await _ends_whole(heard, emitted, missed)


async def _ends_whole(heard: Heard, emitted: list[Emitted], missed: list[Emitted]) -> None:
    """Let more happen, and check that everything has come once, what was missed flagged; or that the hole is told."""
    fresh = heard.emit(COUNT, *heard.rig.symbols)
    has_history = isinstance(heard.feed, Backfills)
    known = [*emitted, *fresh] if has_history else [each for each in [*emitted, *fresh] if each not in missed]
    await heard.until_heard(known)
    if not has_history:
        await heard.until(lambda: heard.gaps, "the hole has to be told")
    heard.check_once_and_in_order(known)
    _check_gaps(heard, missed)
    flagged = {(event.symbol, event.event_time) for event in heard.events if event.backfilled}
    expected = {(each.symbol, each.time) for each in missed} if has_history else set()
    if flagged != expected:
        raise NotConformant(
            f"{len(expected)} events were missed, and {len(flagged)} others or the same are flagged as backfilled"
        )


def _check_gaps(heard: Heard, missed: list[Emitted]) -> None:
    for each in missed:
        if not any(gap.symbol == each.symbol and gap.start <= each.time < gap.end for gap in heard.gaps):
            raise NotConformant(f"{each} happened while nobody was connected, and no gap tells of it: {heard.gaps}")
