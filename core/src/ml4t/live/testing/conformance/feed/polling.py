"""What a feed that asks must not fall for: limits, errors, bars that are late or running, and clocks that change."""

from __future__ import annotations

from typing import cast

from ml4t.live.contracts.feed import Backfills
from ml4t.live.model import Bar
from ml4t.live.testing.conformance.feed.ear import GOING_ON_SECONDS, Ear, Emitted, Heard, alone, supervised
from ml4t.live.testing.conformance.feed.needs import backfills
from ml4t.live.testing.conformance.report import NotConformant
from ml4t.live.testing.conformance.scenario import scenario
from ml4t.live.testing.conformance.waiting import CONNECT_SECONDS, clock, within
from ml4t.live.testing.http_server import Response
from ml4t.live.testing.polled import MINUTE, PolledSource
from ml4t.live.testing.rig import FeedRig
from ml4t.live.times import NANOS

COUNT = 3
PAUSE_SECONDS = 1
ERRORS = (500, 502, 503)
GARBAGE = (b"", b"<html>maintenance</html>", b'{"what": ', b"[]", b"null")
LEFT_SECONDS = 3
"""A minute that is to be running has at least so many left."""
OPENINGS = {
    "winter": 1_741_357_800,
    "summer, which began on 2025-03-09": 1_741_613_400,
    "summer still": 1_761_917_400,
    "winter again, since 2025-11-02": 1_762_180_200,
}
"""9:30 in New York, in seconds UTC: 2025-03-07 14:30, 03-10 13:30, 10-31 13:30 and 11-03 14:30."""


def polled(rig: FeedRig) -> str:
    """Tell whether the source is one that has to be asked."""
    return "" if isinstance(rig.source, PolledSource) else "its source is no PolledSource: it is not asked over HTTP"


def polled_with_history(rig: FeedRig) -> str:
    """Tell whether, besides, the past can be asked for."""
    return polled(rig) or backfills(rig)


@scenario(polled)
async def a_limit_pauses_it_and_nothing_is_missed(rig: FeedRig) -> None:
    """After a 429 it asks again by itself, and what happened meanwhile is heard once."""
    source = _source(rig)
    async with alone(rig, rig.symbols[0]) as ear:
        before = source.say(Response(b"Too Many Requests", 429))
        await _until_asked(ear, before + 1)
        emitted = ear.emit(COUNT)
        await ear.until_heard(emitted)
        ear.check_once_and_in_order(emitted)


@scenario(polled)
async def a_pause_that_is_asked_for_is_kept(rig: FeedRig) -> None:
    """After a 429 with `Retry-After` nothing is asked for so long."""
    source = _source(rig)
    async with alone(rig, rig.symbols[0]) as ear:
        before = source.say(Response(b"Too Many Requests", 429, {"Retry-After": str(PAUSE_SECONDS)}))
        await _until_asked(ear, before + 2)
        paused = (source.asked_at[before + 1] - source.asked_at[before]) / NANOS
        if paused < 0.99 * PAUSE_SECONDS:
            raise NotConformant(f"`Retry-After: {PAUSE_SECONDS}` was said, and it was asked again after {paused:.2f} s")


@scenario(polled)
async def errors_of_the_server_are_survived(rig: FeedRig) -> None:
    """After 500, 502 and 503 it goes on or is run again, and everything that happened is heard once, or told as a gap."""
    await _survived(rig, [Response(b"", status) for status in ERRORS])


@scenario(polled)
async def garbage_is_survived(rig: FeedRig) -> None:
    """After answers with status 200 that are none it goes on or is run again, and misses nothing without a word."""
    await _survived(rig, [Response(body) for body in GARBAGE])


@scenario(polled)
async def bars_that_come_late_are_heard_once_and_in_order(rig: FeedRig) -> None:
    """Bars that the source has later than it should, several at once, are all heard."""
    source = _source(rig)
    async with alone(rig) as ear:
        source.late(True)
        emitted = ear.emit(COUNT, *rig.symbols)
        await _until_asked(ear, len(source.asked) + 2 * len(rig.symbols))
        source.late(False)
        emitted += ear.emit(1, *rig.symbols)
        await ear.until_heard(emitted)
        ear.check_once_and_in_order(emitted)


@scenario(polled)
async def a_running_bar_is_not_told_as_complete(rig: FeedRig) -> None:
    """The bar of the present minute is not complete, however often it is in an answer, and holds up no other."""
    source = _source(rig)
    if (left := MINUTE - clock.now() % MINUTE) < LEFT_SECONDS * NANOS:
        await clock.sleep(left / NANOS)
    async with alone(rig, rig.symbols[0]) as ear:
        start = source.begin(rig.symbols[0], 100.0)
        await _until_asked(ear, len(source.asked) + 3)
        told = [event for event in ear.events if isinstance(event, Bar) and event.event_time == start and event.complete]
        if told and clock.now() < start + MINUTE:
            raise NotConformant(f"the minute that is still running was told as complete: {told[0]}")
        await ear.until_heard(ear.emit(1))


@scenario(polled_with_history)
async def bars_have_their_time_on_both_sides_of_a_change_of_the_clocks(rig: FeedRig) -> None:
    """The opening in New York is at 14:30 UTC in winter and at 13:30 in summer, on the first day of either as well."""
    source, symbol = _source(rig), rig.symbols[0]
    wanted = {seconds * NANOS: season for season, seconds in OPENINGS.items()}
    for start in wanted:
        source.emit_at(symbol, start, 100.0)
    feed = cast(Backfills, rig.feed(rig.symbols))
    for start, season in wanted.items():
        found = await within(feed.backfill(symbol, start, start + MINUTE), "a backfill", CONNECT_SECONDS)
        if [event.event_time for event in found] != [start]:
            raise NotConformant(f"the minute of the opening in {season} was asked for, at {start}, and {list(found)} came")


def _source(rig: FeedRig) -> PolledSource:
    return cast(PolledSource, rig.source)


async def _until_asked(ear: Ear, count: int) -> None:
    source = _source(ear.rig)
    await ear.until(lambda: len(source.asked) >= count, "it has to go on asking", CONNECT_SECONDS)


async def _survived(rig: FeedRig, answers: list[Response]) -> None:
    source = _source(rig)
    async with supervised(rig) as heard:
        emitted = heard.emit(1, *rig.symbols)
        await heard.until_heard(emitted)  # a gap begins where something was heard
        for answer in answers:
            before = source.say(answer)
            await _until_asked(heard, before + 1)
            emitted += heard.emit(1, *rig.symbols)
        emitted += await heard.until_back()
        await within(_until_told(heard, emitted), "word of what was missed, as events or as a gap,", CONNECT_SECONDS)
        for symbol in rig.symbols:
            times = [event.event_time for event in heard.events if event.symbol == symbol]
            if times != sorted(set(times)):
                raise NotConformant(f"{symbol}: the events are not in the order of time, each once")


async def _until_told(heard: Heard, emitted: list[Emitted]) -> None:
    """Go on until all that happened was heard or told: without news there is nothing by which a feed knows what it missed."""
    while _untold(heard, emitted):
        heard.emit(1, *heard.rig.symbols)
        await clock.sleep(GOING_ON_SECONDS)


def _untold(heard: Heard, emitted: list[Emitted]) -> list[Emitted]:
    """Return what was not heard, and no gap tells of: the question for what was missed may have been answered badly, too."""
    return [
        each
        for each in heard.missing(emitted)
        if not any(gap.symbol == each.symbol and gap.start <= each.time < gap.end for gap in heard.gaps)
    ]
