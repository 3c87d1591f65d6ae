"""Feeds of the toy source that is polled, wrong in one way each, with the scenario that has to find it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from polling_kit import Polling

from ml4t.live.errors import UNAUTHORIZED, FeedRefused, LiveError
from ml4t.live.feeds.polling import RateLimited
from ml4t.live.times import NANOS

WRONG = {}
"""Each wrong feed, and the scenario that must find it."""


def found_by(scenario):
    def note(kind):
        WRONG[kind] = scenario
        return kind

    return note


@found_by("a_limit_pauses_it_and_nothing_is_missed")
class TakesALimitForARefusal(Polling):
    async def fetch(self, symbol, since):
        try:
            return await super().fetch(symbol, since)
        except RateLimited as error:
            raise FeedRefused(str(error), code=UNAUTHORIZED) from error


@found_by("a_limit_pauses_it_and_nothing_is_missed")
class ForgetsWhatWasBeforeAPause(Polling):
    paused = False

    async def fetch(self, symbol, since):
        try:
            found = await super().fetch(symbol, since)
        except RateLimited:
            self.paused = True
            raise
        if self.paused:
            self.paused = False
            return found[-1:]
        return found


@found_by("a_pause_that_is_asked_for_is_kept")
class DoesNotReadRetryAfter(Polling):
    async def fetch(self, symbol, since):
        try:
            return await super().fetch(symbol, since)
        except RateLimited as error:
            raise RateLimited(str(error)) from error


@found_by("errors_of_the_server_are_survived")
class GivesUpAtAnError(Polling):
    async def fetch(self, symbol, since):
        try:
            return await super().fetch(symbol, since)
        except LiveError as error:
            if "answers 50" in str(error):
                raise FeedRefused(str(error), code=UNAUTHORIZED) from error
            raise


@found_by("garbage_is_survived")
class GivesUpAtGarbage(Polling):
    async def fetch(self, symbol, since):
        try:
            return await super().fetch(symbol, since)
        except ValueError as error:
            raise FeedRefused(str(error), code=UNAUTHORIZED) from error


@found_by("bars_that_come_late_are_heard_once_and_in_order")
class TellsTheNewestOnly(Polling):
    async def fetch(self, symbol, since):
        return (await super().fetch(symbol, since))[-1:]


@found_by("bars_that_come_late_are_heard_once_and_in_order")
class TellsWhateverItIsTold(Polling):
    async def _push(self, mine, found, sink):
        await super()._push(mine, [], sink)
        if mine.since is None:
            mine.since = 0
        sink.push_many(found)


@found_by("a_running_bar_is_not_told_as_complete")
class TakesEveryBarForComplete(Polling):
    async def _push(self, mine, found, sink):
        await super()._push(mine, [replace(bar, interval=1) for bar in found], sink)


@found_by("bars_have_their_time_on_both_sides_of_a_change_of_the_clocks")
class TakesNewYorkForFiveHoursBehind(Polling):
    async def fetch(self, symbol, since):
        def five_hours_behind(time):
            there = datetime.fromtimestamp(time // NANOS, ZoneInfo("America/New_York")).replace(tzinfo=UTC)
            return (int(there.timestamp()) + 5 * 3_600) * NANOS

        found = await super().fetch(symbol, None)
        return [replace(bar, event_time=five_hours_behind(bar.event_time)) for bar in found]
