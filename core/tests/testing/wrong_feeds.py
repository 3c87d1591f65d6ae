"""Feeds for the toy source that are wrong in one way each, with the scenario that has to find it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from typing import Any

from toy_feed import ToyFeed, ToyFeedWithHistory
from toy_line import ToyLine

from ml4t.live.errors import FeedDisconnected, FeedRefused
from ml4t.live.model import Trade

WRONG: dict[type[ToyFeed], tuple[str, ...]] = {}
"""Each wrong feed, and the scenarios that must find it."""

_log = logging.getLogger("toy")


def found_by(*scenarios: str) -> Any:
    def note(kind: type[ToyFeed]) -> type[ToyFeed]:
        WRONG[kind] = scenarios
        return kind

    return note


@found_by("times_are_those_of_the_source_in_order")
class TellsTimeInMicroseconds(ToyFeedWithHistory):
    def _trade(self, said, *, backfilled=False):
        return super()._trade(said | {"time": said["time"] // 1_000}, backfilled=backfilled)


@found_by("times_are_those_of_the_source_in_order")
class DeliversEverythingTwice(ToyFeedWithHistory):
    def _pushed(self, message):
        super()._pushed(message)
        super()._pushed(message)


@found_by("prices_and_sizes_are_those_of_the_source")
class RoundsPrices(ToyFeedWithHistory):
    def _trade(self, said, *, backfilled=False):
        return super()._trade(said | {"price": round(said["price"], 1)}, backfilled=backfilled)


@found_by("prices_and_sizes_are_those_of_the_source")
class CountsInLots(ToyFeedWithHistory):
    def _trade(self, said, *, backfilled=False):
        return super()._trade(said | {"size": said["size"] * 100}, backfilled=backfilled)


@found_by("symbols_are_written_as_they_were_asked_for")
class WritesSymbolsItsOwnWay(ToyFeedWithHistory):
    def _trade(self, said, *, backfilled=False):
        return super()._trade(said | {"symbol": said["symbol"].lower()}, backfilled=backfilled)


@found_by("a_bad_symbol_does_not_silence_the_others")
class GivesUpForABadSymbol(ToyFeedWithHistory):
    async def _subscribe(self, line):
        if (await line.ask("subscribe", symbols=self.symbols))["unknown"]:
            raise FeedRefused("a symbol is not known")


class _DeafAfterNonsense(ToyLine):
    async def _read(self, reader):
        with contextlib.suppress(ValueError):
            while line := await reader.readline():
                message = json.loads(line)
                if "push" in message:
                    self._on_push(message)
                elif (answer := self._answers.get(message["id"])) is not None and not answer.done():
                    answer.set_result(message)

    async def _probe(self):
        await asyncio.Event().wait()


@found_by("garbled_bytes_end_the_run_or_are_survived")
class GoesDeaf(ToyFeedWithHistory):
    line = _DeafAfterNonsense


@found_by("only_what_was_asked_for_is_delivered")
class SubscribesToEverything(ToyFeedWithHistory):
    async def _subscribe(self, line):
        await line.ask("subscribe", symbols=["AAA", "BBB"])


@found_by("every_symbol_is_subscribed_again_after_a_loss", "no_hole_and_nothing_twice_after_a_fin")
class SubscribesOnce(ToyFeedWithHistory):
    _done = False

    async def _subscribe(self, line):
        if not self._done:
            await super()._subscribe(line)
        self._done = True


@found_by("every_symbol_is_subscribed_again_after_a_loss")
class ForgetsASymbol(ToyFeedWithHistory):
    _done = False

    async def _subscribe(self, line):
        await line.ask("subscribe", symbols=self.symbols[:1] if self._done else self.symbols)
        self._done = True


@found_by(
    "no_hole_and_nothing_twice_after_a_fin",
    "no_hole_and_nothing_twice_after_a_reset",
    "no_hole_and_nothing_twice_after_a_freeze",
    "no_hole_and_nothing_twice_after_a_restart_of_the_source",
    "a_backfill_is_exactly_what_happened",
)
class BackfillsNothing(ToyFeedWithHistory):
    async def backfill(self, symbol, start, end):
        return []


@found_by("no_hole_and_nothing_twice_after_a_reset", "a_backfill_is_exactly_what_happened")
class ForgetsTheFlag(ToyFeedWithHistory):
    async def backfill(self, symbol, start, end):
        return [Trade(e.symbol, e.event_time, e.price, e.size) for e in await super().backfill(symbol, start, end)]


@found_by("a_backfill_is_exactly_what_happened")
class TakesTheEndIn(ToyFeedWithHistory):
    async def backfill(self, symbol, start, end):
        return await super().backfill(symbol, start, end + 1)


@found_by("a_backfill_is_exactly_what_happened")
class BackfillsTheNewestFirst(ToyFeedWithHistory):
    async def backfill(self, symbol, start, end):
        return list(await super().backfill(symbol, start, end))[::-1]


@found_by("no_hole_and_nothing_twice_after_a_fin")
class ReconnectsInSilence(ToyFeedWithHistory):
    """As an SDK that reconnects by itself: core never learns of the hole."""

    async def run(self, sink):
        while True:
            try:
                await super().run(sink)
            except FeedDisconnected:
                await asyncio.sleep(0.01)


class _PingsOnly(ToyLine):
    async def ask(self, do, **question):
        return await super().ask("ping" if do == "time" else do, **question)


class _NeverProbes(ToyLine):
    async def _probe(self):
        await asyncio.get_running_loop().create_future()


@found_by("a_mute_source_is_found_within_its_deadline")
class TakesAHeartbeatForLife(ToyFeedWithHistory):
    line = _PingsOnly


@found_by("a_frozen_line_is_found_dead", "a_half_open_line_is_found_dead")
class HangsOnAFrozenLine(ToyFeedWithHistory):
    line = _NeverProbes


@found_by("a_fin_ends_the_run")
class TakesALossForTheEnd(ToyFeedWithHistory):
    async def run(self, sink):
        try:
            await super().run(sink)
        except FeedDisconnected:
            return


@found_by("a_reset_ends_the_run", "it_runs_again")
class LetsTheSocketsErrorOut(ToyFeedWithHistory):
    _runs = 0

    async def run(self, sink):
        self._runs += 1
        if self._runs > 1:
            raise RuntimeError("threads can only be started once")
        try:
            await super().run(sink)
        except FeedDisconnected as error:
            raise ConnectionResetError(str(error)) from None


@found_by("a_slow_listener_loses_nothing_without_a_word")
class DropsWhenItIsBusy(ToyFeedWithHistory):
    """A bounded queue that drops without a word."""

    _count = 0

    def _pushed(self, message):
        self._count += 1
        if self._count != 1_000:
            super()._pushed(message)


@found_by("wrong_credentials_are_refused_at_once")
class TriesAWrongKeyAgain(ToyFeedWithHistory):
    async def run(self, sink):
        try:
            await super().run(sink)
        except FeedRefused as error:
            raise FeedDisconnected(str(error)) from None


@found_by("nobody_listening_is_a_disconnection", "a_line_cut_while_connecting_is_a_disconnection")
class GivesUpWhenNobodyListens(ToyFeedWithHistory):
    async def run(self, sink):
        try:
            await super().run(sink)
        except FeedDisconnected as error:
            raise FeedRefused(str(error)) from None


@found_by("a_cancel_in_mid_stream_closes_everything", "nothing_is_left_running_after_a_lost_line")
class LeavesATask(ToyFeedWithHistory):
    async def run(self, sink):
        self._left = asyncio.create_task(asyncio.sleep(3_600), name="left")
        await super().run(sink)


@found_by("a_cancel_in_mid_stream_closes_everything")
class GoesOnInTheBackground(ToyFeedWithHistory):
    async def run(self, sink):
        self._left = asyncio.create_task(super().run(sink), name="left")
        await asyncio.shield(self._left)


@found_by("nothing_is_left_running_after_a_start_that_was_cancelled")
class ConnectsInTheBackground(ToyFeedWithHistory):
    async def run(self, sink):
        self._left = asyncio.create_task(asyncio.open_connection(*self._address), name="left")
        (_, writer) = await asyncio.shield(self._left)
        self._left = writer
        await super().run(sink)
        writer.close()


@found_by("no_secret_is_told")
class LogsTheKey(ToyFeedWithHistory):
    async def _subscribe(self, line):
        _log.info("subscribing as %s", self._key)
        await super()._subscribe(line)


@found_by("no_secret_is_told")
class TellsTheKeyInAnError(ToyFeedWithHistory):
    async def run(self, sink):
        try:
            await super().run(sink)
        except FeedDisconnected as error:
            raise FeedDisconnected(f"{error} for {self._key}") from None
