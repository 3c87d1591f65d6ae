"""The traps of Databento's SDK and protocol, each by its number in the study of vendors' protocols.

Most of them are in the SDK's `Live` client, its thread and its reconnect. The feed drives the SDK's protocol on its own loop,
so they cannot be there; that they are not is what these tests look at.
"""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
import structlog
from databento_dbn import ErrorCode
from databento_kit import Ears, end_of, feeding, until

from ml4t.live.errors import FeedDisconnected
from ml4t.live.testing.conformance.beside import Beside
from ml4t.live.testing.conformance.feed.ear import supervised
from ml4t.live.times import NANOS
from ml4t_live_databento.rig import feed_at, still, trades_rig
from ml4t_live_databento.simulator import encoding

BLOCKED_SECONDS = 1.0
"""Half of what a connect may take: a loop that is blocked by one stands still for longer."""


def test_d1_connecting_does_not_block_the_loop(source):
    """The gateway takes what the client says at its login and never answers: the loop goes on all the while."""

    async def run():
        source.hang_logins(True)
        async with Beside() as beside:
            with pytest.raises(FeedDisconnected, match="has not answered the login within"):
                await feed_at(source, "AAPL").run(Ears())
        assert beside.longest < BLOCKED_SECONDS

    asyncio.run(run())


def test_d2_records_come_on_the_loop_s_thread_and_there_is_no_other(source):
    async def run():
        threads = set(threading.enumerate())
        heard = []

        class Sink(Ears):
            def push_many(self, events):
                heard.append(threading.current_thread())
                super().push_many(events)

        async with feeding(feed_at(source, "AAPL"), Sink()):
            await until(lambda: source.subscriptions)
            source.emit("AAPL", 1.0)
            await until(lambda: heard)
            assert set(heard) == {threading.current_thread()}
            assert set(threading.enumerate()) == threads

    asyncio.run(run())


def test_d2_a_sink_that_raises_ends_the_run_and_is_not_swallowed(source):
    async def run():
        class Sink(Ears):
            def push_many(self, events):
                raise RuntimeError("no room")

        async with feeding(feed_at(source, "AAPL"), Sink()) as running:
            await until(lambda: source.subscriptions)
            source.emit("AAPL", 1.0)
            await until(running.done)
            with pytest.raises(RuntimeError, match="no room"):
                running.result()

    asyncio.run(run())


@pytest.mark.parametrize(("reset", "words"), [(False, "was closed"), (True, "was reset")])
def test_d3_an_orderly_close_is_a_loss_like_a_reset(source, reset, words):
    async def run():
        async with feeding(feed_at(source, "AAPL"), Ears()) as running:
            await until(lambda: source.subscriptions)
            source.drop(reset=reset)
            await until(running.done)
            with pytest.raises(FeedDisconnected, match=words):
                running.result()

    asyncio.run(run())


def test_d3_a_close_in_the_middle_of_the_login_is_one_too(source):
    async def run():
        source.hang_logins(True)
        async with feeding(feed_at(source, "AAPL", timeout_seconds=10.0), Ears()) as running:
            await until(lambda: any(line.startswith("auth=") for line in source.lines))
            source.drop()
            await until(running.done)
            with pytest.raises(FeedDisconnected, match="the connection to Databento was closed"):
                running.result()

    asyncio.run(run())


@pytest.mark.parametrize("how", ["refused", "hanging"])
def test_d4_a_reconnect_that_fails_is_tried_again(how):
    async def run():
        async with trades_rig() as rig, supervised(rig) as heard:
            await heard.until_heard(heard.emit(1))
            switch = rig.source.refuse_connections if how == "refused" else rig.source.hang_logins
            switch(True)
            rig.source.drop()
            await heard.until_lost(60, count=2)
            switch(False)
            await heard.until_subscribed()
            await heard.until_heard(heard.emit(2))

    asyncio.run(run())


def test_d5_the_loop_goes_on_while_it_reconnects():
    async def run():
        async with trades_rig() as rig, supervised(rig) as heard:
            rig.source.hang_logins(True)
            rig.source.drop(reset=True)
            async with Beside() as beside:
                await heard.until_lost(60, count=2)
            assert beside.longest < BLOCKED_SECONDS
            rig.source.hang_logins(False)
            await heard.until_subscribed()

    asyncio.run(run())


def test_d6_the_gap_of_a_reconnect_is_filled_from_the_replay():
    async def run():
        async with trades_rig() as rig, supervised(rig) as heard:
            known = heard.emit(3, *rig.symbols)
            await heard.until_heard(known)
            rig.source.refuse_connections(True)
            rig.source.drop()
            missed = heard.emit(4, *rig.symbols)
            await heard.until_lost(10)
            rig.source.refuse_connections(False)
            await heard.until_subscribed()
            await heard.until_heard([*known, *missed, *heard.emit(2, *rig.symbols)])
            assert {(each.symbol, each.time) for each in missed} <= {
                (event.symbol, event.event_time) for event in heard.events if event.backfilled
            }
            asked = [line for line in rig.source.lines if "start=" in line]
            assert len(asked) == len(rig.symbols)

    asyncio.run(run())


def test_d7_a_gateway_that_never_says_anything_is_lost(source):
    """It takes the session and sends nothing, not even a heartbeat: the SDK's own watch never ends that."""

    async def run():
        source.silence(True)
        source.mute(True)
        with pytest.raises(FeedDisconnected, match="has said nothing for 1 s"):
            await end_of(feed_at(source, "AAPL"))

    asyncio.run(run())


def test_d8_a_silent_connection_is_closed_and_not_only_given_up(source):
    async def run():
        ears = Ears()
        async with feeding(feed_at(source, "AAPL"), ears) as running:
            await until(lambda: source.subscriptions)
            source.silence(True)
            await until(running.done)
            await until(lambda: not source.connections)

    asyncio.run(run())


def test_d9_an_error_that_was_survived_is_not_what_a_later_close_is_taken_for(source):
    async def run():
        async with feeding(feed_at(source, "AAPL", "NOSUCH"), ears := Ears()) as running:
            await until(lambda: source.subscriptions)
            source.emit("AAPL", 1.0)
            await until(lambda: ears.events)
            source.drop()
            await until(running.done)
            with pytest.raises(FeedDisconnected, match="the connection to Databento was closed"):
                running.result()

    asyncio.run(run())


def test_d10_every_run_has_a_connection_of_its_own(source):
    async def run():
        feed = feed_at(source, "AAPL")
        for count in (1, 2, 3):
            async with feeding(feed, ears := Ears()):
                await until(lambda: source.subscriptions)
                source.emit("AAPL", float(count))
                await until(lambda ears=ears: ears.events)
            await until(lambda: not source.connections)
        assert sum(line.startswith("auth=") for line in source.lines) == 3

    asyncio.run(run())


def test_d11_a_loop_that_is_busy_leaves_the_records_to_the_gateway(source):
    """Nothing is read while the loop is busy, nothing is queued without bound here, and nothing is lost."""

    async def run():
        async with feeding(feed_at(source, "AAPL"), ears := Ears()):
            await until(lambda: source.subscriptions)
            times = source.burst("AAPL", [1.0] * 20_000)  # without a turn of the loop
            assert not ears.events
            await until(lambda: len(ears.events) == len(times))
            assert [event.event_time for event in ears.events] == times

    asyncio.run(run())


def test_d12_a_continuous_future_rolls_in_the_middle_of_a_session(source):
    """The contract before does not trade under its name any more, although records of it still come."""

    async def run():
        async with feeding(feed_at(source, "ES.c.0", stype_in="continuous"), ears := Ears()):
            await until(lambda: source.subscriptions)
            source.emit("ES.c.0", 100.0)
            before = source.instrument("ES.c.0")
            source.remap("ES.c.0")
            late = encoding.Happened("ES.c.0", 1, *[10**9] * 4, 1)
            source.push(encoding.SERIES["trades"].encode(late, before))
            source.emit("ES.c.0", 101.0)
            await until(lambda: len(ears.events) == 2)
            assert [event.price for event in ears.events] == [100.0, 101.0]

    asyncio.run(run())


def test_d12_ids_are_those_of_the_session():
    """After a reconnect a symbol has another id, and the id that it had is another symbol's."""

    async def run():
        async with trades_rig() as rig, supervised(rig) as heard:
            await heard.until_heard(heard.emit(1, *rig.symbols))
            rig.source.drop()
            await heard.until_lost(10)
            for symbol in rig.symbols:
                rig.source.remap(symbol)
            await heard.until_subscribed()
            fresh = heard.emit(2, *rig.symbols)
            await heard.until_heard(fresh)
            prices = {(each.symbol, each.time): each.price for each in fresh}
            for event in heard.events:
                assert prices.get((event.symbol, event.event_time), event.price) == event.price

    asyncio.run(run())


def test_d12_two_symbols_that_are_one_instrument_are_both_heard(source):
    """`ES.c.0` and `ES.v.0` mostly are, and the gateway tells of an instrument once; then one of them rolls."""

    async def run():
        both = ("ESH6", "NQH6")
        async with feeding(feed_at(source, *both), ears := Ears()):
            await until(lambda: source.subscriptions)
            first, second = (source.instrument(symbol) for symbol in both)
            source.push(encoding.mapping("NQH6", first, "raw_symbol", time.time_ns()))
            source.emit("ESH6", 1.0)
            await until(lambda: len(ears.events) == 2)
            assert {event.symbol for event in ears.events} == set(both)
            source.push(encoding.mapping("ESH6", second, "raw_symbol", time.time_ns()))
            source.emit("ESH6", 2.0)  # of the first instrument, which is NQH6 alone now
            source.emit("NQH6", 3.0)
            await until(lambda: len(ears.events) == 4)
            assert [(event.symbol, event.price) for event in ears.events[2:]] == [("NQH6", 2.0), ("ESH6", 3.0)]

    asyncio.run(run())


def test_d12_a_symbol_that_is_mapped_twice_is_heard_once(source):
    async def run():
        async with feeding(feed_at(source, "AAPL"), ears := Ears()):
            await until(lambda: source.subscriptions)
            source.push(encoding.mapping("AAPL", source.instrument("AAPL"), "raw_symbol", time.time_ns()))
            source.burst("AAPL", [1.0, 2.0])
            await until(lambda: len(ears.events) >= 2)
            assert [event.price for event in ears.events] == [1.0, 2.0]

    asyncio.run(run())


def test_d12_a_symbol_that_is_mapped_twice_has_not_rolled(source):
    async def run():
        source.emits = "ohlcv-1s"
        with structlog.testing.capture_logs() as logs:
            async with feeding(feed_at(source, "AAPL"), ears := Ears()):
                await until(lambda: source.subscriptions)
                start = source.emit("AAPL", 1.0)
                source.push(encoding.mapping("AAPL", source.instrument("AAPL"), "raw_symbol", time.time_ns()))
                source.end_interval(start + 2 * NANOS)
                await until(lambda: len(ears.events) >= 2)
        assert [(event.event_time, event.volume) for event in ears.events] == [(start, 1.0), (start + NANOS, 0.0)]
        assert not [each for each in logs if "instrument" in each["event"]]

    asyncio.run(run())


def test_d13_the_simulator_s_reset_is_one():
    """An aborted transport sends FIN unless the socket is told otherwise: then d3 and d4 would try one thing twice."""

    async def run():
        with still() as source:
            reader, writer = await asyncio.open_connection(*source.address)
            await reader.readline()
            source.drop(reset=True)
            with pytest.raises(ConnectionResetError):
                await reader.read()
            writer.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (ErrorCode.CONNECTION_LIMIT_EXCEEDED, "too many connections"),
        (ErrorCode.INTERNAL_ERROR, "something went wrong at Databento"),
        (ErrorCode.SKIPPED_RECORDS_AFTER_SLOW_READING, "read too slowly and records were left out"),
    ],
)
def test_an_error_of_the_session_ends_the_run_so_that_it_begins_anew(source, code, words):
    async def run():
        async with feeding(feed_at(source, "AAPL"), ears := Ears()) as running:
            await until(lambda: source.subscriptions)
            source.emit("AAPL", 1.0)
            source.fail(code, "said by the gateway")
            await until(running.done)
            with pytest.raises(FeedDisconnected, match=f"said by the gateway.*{words}"):
                running.result()
            assert len(ears.events) == 1

    asyncio.run(run())
