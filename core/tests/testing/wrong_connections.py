"""Adapters for the toy venue that are wrong in one way each: connections, secrets, and what is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time

from toy_broker import ToyBroker
from toy_line import ToyLine
from wrong_brokers import found_by

from ml4t.live.errors import BrokerConnectionError, BrokerRefused, OutcomeUnknown

LEFT: list[socket.socket] = []
"""What the wrong adapters leave open, for the tests to close."""

_log = logging.getLogger("toy")


@found_by("wrong_credentials_are_refused_at_once")
class TriesAWrongKeyAgain(ToyBroker):
    async def connect(self):
        try:
            return await super().connect()
        except BrokerRefused as error:
            raise BrokerConnectionError(str(error)) from None


class _PingsOnly(ToyLine):
    async def ask(self, do, **question):
        return await super().ask("ping" if do == "time" else do, **question)


class _NeverProbes(ToyLine):
    async def _probe(self):
        await asyncio.get_running_loop().create_future()


@found_by("a_mute_venue_is_found_dead", "trading_goes_on_after_every_loss")
class TakesAHeartbeatForLife(ToyBroker):
    line = _PingsOnly


@found_by("a_frozen_line_is_found_dead", "a_half_open_line_is_found_dead")
class HangsOnAFrozenLine(ToyBroker):
    line = _NeverProbes


@found_by("a_fin_ends_the_stream", "a_reset_ends_the_stream")
class SaysNothingOfALostLine(ToyBroker):
    async def run(self, sink):
        with contextlib.suppress(BrokerConnectionError):
            await super().run(sink)
        await asyncio.get_running_loop().create_future()


@found_by("a_fin_ends_the_stream")
class LetsTheSocketsErrorOut(ToyBroker):
    async def run(self, sink):
        try:
            await super().run(sink)
        except BrokerConnectionError as error:
            raise ConnectionResetError(str(error)) from None


@found_by("nobody_listening_is_a_connection_error", "a_line_cut_while_connecting_is_a_connection_error")
class TriesForEver(ToyBroker):
    async def connect(self):
        while True:
            try:
                return await super().connect()
            except BrokerConnectionError:
                await asyncio.sleep(0.05)


@found_by("it_opens_and_closes_twice", "a_restart_of_the_venue_loses_nothing")
class OpensOnce(ToyBroker):
    _used = False

    async def connect(self):
        if self._used:
            raise RuntimeError("threads can only be started once")
        self._used = True
        return await super().connect()


class _DeafAfterNonsense(_NeverProbes):
    def fail(self, why):
        if not why.startswith("the line broke"):
            super().fail(why)


@found_by("garbled_bytes_end_the_stream_or_are_survived")
class GoesDeaf(ToyBroker):
    line = _DeafAfterNonsense


@found_by("a_second_connection_silences_nobody")
class TellsTheNewestOnly(ToyBroker):
    newest = None

    async def connect(self):
        type(self).newest = self
        return await super().connect()

    def _pushed(self, message):
        if self is type(self).newest:
            super()._pushed(message)


@found_by("the_loop_is_never_blocked")
class BlocksTheLoop(ToyBroker):
    async def submit(self, order):
        time.sleep(5)  # noqa: ASYNC251 - as a blocking SDK does
        return await super().submit(order)


# ------------------------------------------------------------------ discretion


@found_by("no_secret_is_told")
class LogsTheKey(ToyBroker):
    async def connect(self):
        _log.debug("logging in with %s", self._key)
        return await super().connect()


@found_by("no_secret_is_told")
class ShowsTheKey(ToyBroker):
    def __repr__(self):
        return f"ToyBroker({self._key!r})"


@found_by("no_secret_is_told")
class TellsTheKeyInAnError(ToyBroker):
    async def submit(self, order):
        try:
            return await super().submit(order)
        except OutcomeUnknown as error:
            raise OutcomeUnknown(f"{error} (key={self._key})") from None


@found_by("nothing_is_sent_in_shadow_mode")
class ConnectsWhenItIsMade(ToyBroker):
    def __init__(self, address, key):
        super().__init__(address, key)
        LEFT.append(socket.create_connection(address))


# ------------------------------------------------------------------ tidiness


@found_by("nothing_is_left_running", "nothing_is_left_running_after_a_lost_line")
class LeavesATask(ToyBroker):
    async def connect(self):
        self._left = asyncio.create_task(asyncio.sleep(3_600), name="left")
        return await super().connect()


@found_by("nothing_is_left_running", "a_connect_that_gets_no_answer_can_be_given_up")
class LeavesASocket(ToyBroker):
    async def connect(self):
        LEFT.append(socket.create_connection(self._address))
        return await super().connect()


class _WaitsForEver(ToyLine):
    answer_seconds = 3_600.0


@found_by("nothing_is_left_running_after_a_connect_that_failed")
class LeavesAConnectionThatWasGivenUp(ToyBroker):
    line = _WaitsForEver

    async def connect(self):
        line = asyncio.ensure_future(super().connect())
        return await asyncio.shield(line)
