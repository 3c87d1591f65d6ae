"""The failure modes of the study of vendors' protocols, each by its number there.

Of its 24 these cannot be at Databento, which takes no orders: 4 to 10, 13, 19, 20 and 22; nor 2 (subscriptions that a gateway
forgets) and 15 (the notice of a planned close).
"""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc

import pytest
import structlog
from databento_dbn import UNDEF_TIMESTAMP, ErrorCode, ErrorMsg, SystemCode, SystemMsg
from databento_kit import Ears, end_of, feeding, until

from ml4t.live.errors import NOT_SUBSCRIBED, UNAUTHORIZED, UNKNOWN_SYMBOL, FeedDisconnected, FeedRefused
from ml4t.live.model import Bar, Trade
from ml4t.live.testing.conformance.feed.ear import supervised
from ml4t.live.times import NANOS
from ml4t_live_databento.clock import ClockCheck
from ml4t_live_databento.config import DatabentoFeedConfig
from ml4t_live_databento.pace import Pace
from ml4t_live_databento.rig import WRONG, bars_rig, feed_at, still, trades_rig
from ml4t_live_databento.session import Session
from ml4t_live_databento.simulator import encoding


def test_01_connected_but_mute():
    """The gateway says that it is there and tells nothing: `alive` is not called for that, so core finds it out."""

    async def run():
        async with trades_rig() as rig, supervised(rig, silence_seconds=2.0) as heard:
            await heard.until_heard(heard.emit(2, *rig.symbols))
            rig.source.mute(True)
            missed = heard.emit(2, *rig.symbols)
            await heard.until_lost(10)
            assert "nothing has been heard from main" in heard.losses[0]
            rig.source.mute(False)
            await heard.until_heard(missed)
            assert {gap.symbol for gap in heard.gaps} == set(rig.symbols)

    asyncio.run(run())


def test_01_a_gateway_that_has_mapped_the_symbols_has_answered(source):
    async def run():
        async with feeding(feed_at(source, "AAPL"), ears := Ears()):
            await until(lambda: ears.answers)
            assert not ears.events

    asyncio.run(run())


def test_01_a_quiet_market_whose_intervals_end_is_not_mute(source):
    async def run():
        source.emits = "ohlcv-1s"
        async with feeding(feed_at(source, "AAPL"), ears := Ears()):
            await until(lambda: source.subscriptions)
            before = ears.answers
            source.end_interval(time.time_ns() // NANOS * NANOS)
            await until(lambda: ears.answers > before)
            assert not ears.events

    asyncio.run(run())


@pytest.mark.parametrize("rig", [bars_rig, trades_rig])
def test_03_reconnect_leaves_a_hole_in_the_data(rig):
    """What happened while the connection was away is fetched, flagged, and told as a gap; what was heard before is not."""

    async def run():
        async with rig() as each, supervised(each) as heard:
            await heard.until_heard(heard.emit(2, *each.symbols))
            each.source.refuse_connections(True)
            each.source.drop()
            await heard.until_lost(5.0)
            missed = heard.emit(3, *each.symbols)
            each.source.refuse_connections(False)
            await heard.until_heard(missed)
            flagged = {(event.symbol, event.event_time) for event in heard.events if event.backfilled}
            assert flagged == {(one.symbol, one.time) for one in missed}
            assert all(gap.recovered == 3 for gap in heard.gaps)

    asyncio.run(run())


def test_03_what_happened_in_the_nanosecond_of_the_last_trade_that_was_heard_is_not_lost():
    async def run():
        async with trades_rig() as rig, supervised(rig) as heard:
            [moment] = rig.source.burst("AAPL", [100.0])
            rig.source.burst("AAPL", [100.1], at_once=True)
            await heard.until(lambda: len(heard.events) == 2, "both are heard")
            rig.source.mute(True)
            rig.source.burst("AAPL", [100.1, 100.2], at_once=True)
            rig.source.mute(False)
            rig.source.drop()
            await heard.until_lost(10)
            await heard.until_subscribed()
            last = rig.source.emit("AAPL", 100.3)
            await heard.until(lambda: heard.events[-1].event_time == last, "it goes on", 10)
            assert [(each.event_time, each.price, each.backfilled) for each in heard.events[:4]] == [
                (moment, 100.0, False),
                (moment, 100.1, False),
                (moment, 100.1, True),
                (moment, 100.2, True),
            ]
            assert len(heard.events) == 5
            assert {gap.start for gap in heard.gaps if gap.symbol == "AAPL"} == {moment}

    asyncio.run(run())


def test_03_of_a_hole_longer_than_a_day_the_last_day_is_filled_and_the_rest_is_told(source):
    async def run():
        last = source.emit("AAPL", 1.0)
        feed = feed_at(source, "AAPL")
        with structlog.testing.capture_logs() as logs:
            found = list(await feed.backfill("AAPL", last - 30 * 3_600 * NANOS, last + 1))
        assert [event.event_time for event in found] == [last]
        [said] = logs
        assert said["event"] == "the beginning of the hole stays: Databento replays 24 hours only"
        assert 6 * 3_600 <= said["seconds"] <= 6 * 3_600 + 61
        assert not await feed.backfill("AAPL", last - 30 * 3_600 * NANOS, last - 25 * 3_600 * NANOS)

    asyncio.run(run())


def test_03_of_a_replay_that_goes_back_less_far_than_it_should_all_that_there_is_comes():
    """After a weekend the gateway keeps less than a day. Asking for it again and again would be no feed any more."""

    async def run():
        async with trades_rig() as rig, supervised(rig) as heard:
            known = heard.emit(1)
            await heard.until_heard(known)
            rig.source.refuse_connections(True)
            rig.source.drop()
            missed = heard.emit(2)
            rig.source.forget_before(missed[1].time)
            with structlog.testing.capture_logs() as logs:
                rig.source.refuse_connections(False)
                await heard.until_subscribed()
                fresh = heard.emit(1)
                await heard.until_heard([missed[1], *fresh])
            said = [each["event"] for each in logs if each["log_level"] == "error"]
            [words] = set(said)
            assert words.startswith("the beginning of the hole stays: Databento does not replay what was asked for: start must")
            assert [event.event_time for event in heard.events] == [known[0].time, missed[1].time, fresh[0].time]

    asyncio.run(run())


def test_03_a_replay_that_is_refused_says_so(source):
    async def run():
        source.emit("AAPL", 1.0)
        feed = feed_at(source, "AAPL", schema="trades")
        source.refuse_replays("not now")
        with pytest.raises(FeedDisconnected, match="ends the session: not now"):
            await feed.backfill("AAPL", time.time_ns() - NANOS, time.time_ns())

    asyncio.run(run())


def test_03_a_replay_of_nothing_ends(source):
    async def run():
        assert not await feed_at(source, "AAPL").backfill("AAPL", time.time_ns() - NANOS, time.time_ns())

    asyncio.run(run())


def test_03_a_replay_that_stalls_is_a_loss_although_the_gateway_is_there(source):
    async def run():
        source.mute(True)
        with pytest.raises(FeedDisconnected, match="replay has brought nothing for 1 s"):
            await feed_at(source, "AAPL").backfill("AAPL", time.time_ns() - NANOS, time.time_ns())

    asyncio.run(run())


def test_11_one_connection_limit():
    async def run():
        with still(connections=1) as source:
            async with feeding(feed_at(source, "AAPL"), Ears()):
                await until(lambda: source.subscriptions)
                with pytest.raises(FeedDisconnected, match=r"open connection limit.*tried again"):
                    await end_of(feed_at(source, "MSFT"))
            await until(lambda: not source.connections)
            async with feeding(feed_at(source, "MSFT"), Ears()):
                await until(lambda: source.subscriptions)

    asyncio.run(run())


def test_12_rate_limits_no_more_than_four_connections_are_opened_in_a_second():
    """Databento takes five; the hole of many symbols would be filled faster than that."""
    pace = Pace()
    assert [pace.reserve(10.0) for _ in range(9)] == [0, 0, 0, 0, 1, 1, 1, 1, 2]
    assert pace.reserve(11.5) == 0.5
    assert [pace.reserve(20.0) for _ in range(5)] == [0, 0, 0, 0, 1]
    assert Pace.of(("a", 1)) is Pace.of(("a", 1)) is not Pace.of(("a", 2))


def test_12_rate_limits_backfills_wait_for_their_turn(source):
    async def run():
        began = time.monotonic()
        for _ in range(6):
            await feed_at(source, "AAPL").backfill("AAPL", time.time_ns() - NANOS, time.time_ns())
        assert time.monotonic() - began >= 1.0

    asyncio.run(run())


def test_14_slow_reader_that_misses_records_begins_anew_and_gets_them():
    async def run():
        async with trades_rig() as rig, supervised(rig) as heard:
            await heard.until_heard(heard.emit(2))
            rig.source.mute(True)  # what a slow reader misses
            missed = heard.emit(3)
            rig.source.mute(False)
            rig.source.fail(ErrorCode.SKIPPED_RECORDS_AFTER_SLOW_READING, "3 records were skipped")
            await heard.until_lost(5.0)
            assert "3 records were skipped" in heard.losses[0]
            await heard.until_heard(missed)
            assert any(gap.recovered == 3 for gap in heard.gaps)

    asyncio.run(run())


def test_14_slow_reader_that_is_warned_is_told_and_goes_on(source):
    async def run():
        async with feeding(feed_at(source, "AAPL"), ears := Ears()) as running:
            await until(lambda: source.subscriptions)
            with structlog.testing.capture_logs() as logs:
                source.tell(SystemCode.SLOW_READER_WARNING, "5 MB behind")
                source.emit("AAPL", 1.0)
                await until(lambda: ears.events)
            assert [each["said"] for each in logs if each["log_level"] == "warning"] == ["5 MB behind"]
            assert not running.done()

    asyncio.run(run())


def test_16_memory_does_not_grow_with_records_and_reconnects(source):
    async def run():
        class Deaf(Ears):
            count = 0

            def push_many(self, events):
                self.count += len(events)

        async def session(sink):
            async with feeding(feed_at(source, "AAPL"), sink):
                await until(lambda: source.subscriptions)
                wanted = sink.count + 300
                for _ in range(300):
                    source.emit("AAPL", 1.0)
                await until(lambda: sink.count >= wanted)
            await until(lambda: not source.connections)

        sink = Deaf()
        for _ in range(3):
            await session(sink)
        ours = tracemalloc.Filter(True, "*ml4t_live_databento/[!s]*")
        sdk = tracemalloc.Filter(True, "*/databento/live/*")
        tracemalloc.start()
        try:
            for _ in range(10):
                await session(sink)
            gc.collect()  # an error that was raised holds its connection until then
            held = sum(each.size for each in tracemalloc.take_snapshot().filter_traces([ours, sdk]).statistics("filename"))
        finally:
            tracemalloc.stop()
        assert held < 100_000

    asyncio.run(run())


def test_17_instrument_expiry_an_expired_instrument_is_refused_when_it_is_the_only_one(source):
    async def run():
        with pytest.raises(FeedRefused, match=r"knows none of ESZ9 .*whether the instrument has expired") as refused:
            await end_of(feed_at(source, "ESZ9"))
        assert refused.value.code == UNKNOWN_SYMBOL

    asyncio.run(run())


def test_17_an_unknown_symbol_is_named_and_silences_no_other(source):
    async def run():
        with structlog.testing.capture_logs() as logs:
            async with feeding(feed_at(source, "AAPL", "NOSUCH"), ears := Ears()):
                await until(lambda: source.subscriptions)
                source.emit("AAPL", 1.0)
                await until(lambda: ears.events)
        [said] = [each for each in logs if each["log_level"] == "error"]
        assert said["symbols"] == ["NOSUCH"]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("symbols", "words", "named"),
    [
        (("AAPL", "ES"), "Failed to resolve ES.c.0, 'ES'.", ["ES"]),
        (("AAPL", "ES"), "Failed to resolve ES.", ["ES"]),
        (
            ("AAPL", "AAPL  250221C00250000"),
            "Failed to resolve AAPL  250221C00250000, ES.c.0",
            ["AAPL", "AAPL  250221C00250000"],
        ),
        (("AAPL", "ES"), "Some symbols failed to resolve", "it does not say which"),
        (("ES",), "Some symbols failed to resolve", "it does not say which"),
    ],
)
def test_17_what_an_error_names_is_left_out_and_no_more(symbols, words, named):
    session = Session(DatabentoFeedConfig(symbols=symbols, api_key="k", dataset="GLBX.MDP3"), symbols)
    record = ErrorMsg(ts_event=1, err=words, code=ErrorCode.SYMBOL_RESOLUTION_FAILED)
    with structlog.testing.capture_logs() as logs:
        if set(named) == set(symbols) or len(symbols) == 1:
            with pytest.raises(FeedRefused):
                session.hear(record)
        else:
            session.hear(record)
    assert logs[0]["symbols"] == named


def test_17_when_nothing_is_mapped_and_no_symbol_was_named_all_are_refused():
    symbols = ("AAPL", "ES")
    session = Session(DatabentoFeedConfig(symbols=symbols, api_key="k", dataset="GLBX.MDP3"), symbols)
    session.hear(ErrorMsg(ts_event=1, err="Some symbols failed to resolve", code=ErrorCode.SYMBOL_RESOLUTION_FAILED))
    with pytest.raises(FeedRefused, match="knows none of AAPL, ES"):
        session.hear(SystemMsg(ts_event=1, msg="done", code=SystemCode.SUBSCRIPTION_ACK))


def test_18_timestamps_are_exact_to_the_nanosecond_and_bars_bear_their_start(source):
    async def run():
        when = 1_767_623_400_123_456_789
        async with feeding(feed_at(source, "AAPL"), ears := Ears()):
            await until(lambda: source.subscriptions)
            it = encoding.Happened("AAPL", when, *[190_123_456_789] * 4, 3)
            source.push(encoding.SERIES["trades"].encode(it, source.instrument("AAPL")))
            await until(lambda: ears.events)
        [trade] = ears.events
        assert trade == Trade("AAPL", when, 190.123456789, 3.0, trade.receive_time, "databento")
        assert abs(trade.receive_time - time.time_ns()) < 60 * NANOS
        await until(lambda: not source.connections)
        source.emits = "ohlcv-1s"
        async with feeding(feed_at(source, "AAPL"), ears := Ears()):
            await until(lambda: source.subscriptions)
            start = source.emit("AAPL", 5.5, 7)
            await until(lambda: ears.events)
        [bar] = ears.events
        assert bar == Bar("AAPL", start, 5.5, 5.5, 5.5, 5.5, 7.0, NANOS, True, False, bar.receive_time, "databento")
        assert start % NANOS == 0

    asyncio.run(run())


REFUSALS = {
    "Authentication failed.": (FeedRefused, UNAUTHORIZED, "check api_key"),
    "Not authorized for dataset XNAS.ITCH": (FeedRefused, NOT_SUBSCRIBED, "check dataset, and its licence"),
    "A live data license is required": (FeedRefused, NOT_SUBSCRIBED, "check dataset, and its licence"),
    "Gateway is under maintenance": (FeedDisconnected, None, "takes no login now"),
    "Connection rate limit exceeded": (FeedDisconnected, None, "takes no login now"),
}


@pytest.mark.parametrize("words", REFUSALS)
def test_21_credentials_wrong_licence_missing_maintenance_and_rate_limit(source, words):
    error, code, remedy = REFUSALS[words]

    async def run():
        source.refuse_logins(words)
        with pytest.raises(error, match=remedy) as raised:
            await end_of(feed_at(source, "AAPL"))
        assert words in str(raised.value)
        assert getattr(raised.value, "code", None) == code

    asyncio.run(run())


def test_21_what_ends_a_connection_is_told_once(source):
    """The SDK keeps it in futures of its own, and the loop would say that nobody has looked at them."""

    async def run():
        said = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context["message"]))
        with pytest.raises(FeedRefused):
            await end_of(feed_at(source, "AAPL", api_key=WRONG))
        async with feeding(feed_at(source, "AAPL"), Ears()) as running:
            await until(lambda: source.subscriptions)
            source.drop(reset=True)
            await until(running.done)
        del running
        gc.collect()
        assert not said

    asyncio.run(run())


def test_21_a_wrong_key_is_refused_by_a_backfill_too(source):
    async def run():
        with pytest.raises(FeedRefused, match="check api_key"):
            await feed_at(source, "AAPL", api_key=WRONG).backfill("AAPL", time.time_ns() - NANOS, time.time_ns())

    asyncio.run(run())


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (ErrorCode.AUTH_FAILED, UNAUTHORIZED),
        (ErrorCode.API_KEY_DEACTIVATED, UNAUTHORIZED),
        (ErrorCode.INVALID_SUBSCRIPTION, NOT_SUBSCRIBED),
    ],
)
def test_21_what_is_refused_in_the_middle_of_a_session_is_refused_for_good(source, code, expected):
    async def run():
        async with feeding(feed_at(source, "AAPL"), Ears()) as running:
            await until(lambda: source.subscriptions)
            source.fail(code, "no more")
            await until(running.done)
            with pytest.raises(FeedRefused, match="no more") as refused:
                running.result()
            assert refused.value.code == expected

    asyncio.run(run())


def test_23_a_record_that_cannot_be_read_costs_none_of_the_others(source, monkeypatch):
    """A record of the book without a level, and a trade behind it in the same segment."""

    async def run():
        source.emits = "mbp-1"
        feed = feed_at(source, "AAPL")
        async with feeding(feed, ears := Ears()) as running:
            await until(lambda: source.subscriptions)
            from ml4t_live_databento import translator

            real = translator.to_quote
            calls = iter([True])

            def broken(*arguments):
                if next(calls, False):
                    raise IndexError("no level")
                return real(*arguments)

            monkeypatch.setattr(translator, "to_quote", broken)
            source.emit("AAPL", 1.0)
            source.emit("AAPL", 2.0)
            await until(lambda: any(isinstance(event, Trade) and event.price == 2.0 for event in ears.events))
            assert not running.done()

    asyncio.run(run())


def test_23_bytes_that_are_no_records_end_the_run(source):
    async def run():
        async with feeding(feed_at(source, "AAPL"), ears := Ears()) as running:
            await until(lambda: source.subscriptions)
            source.emit("AAPL", 1.0)
            await until(lambda: ears.events)
            source.push(b"\x00" * 64)
            await until(running.done)
            with pytest.raises(FeedDisconnected, match="cannot be read"):
                running.result()
            assert len(ears.events) == 1

    asyncio.run(run())


@pytest.mark.parametrize(("seconds", "side"), [(40, "behind"), (-40, "ahead of")])
def test_24_clock_skew(source, seconds, side):
    async def run():
        source.skew_clock(seconds)
        with pytest.raises(FeedDisconnected, match=rf"clock is [34]\d\.\d s {side} Databento's; set it"):
            await end_of(feed_at(source, "AAPL"))
        await until(lambda: not source.connections)
        source.skew_clock(5 if seconds > 0 else -5)
        with structlog.testing.capture_logs() as logs:
            async with feeding(feed_at(source, "AAPL"), ears := Ears()):
                await until(lambda: source.subscriptions)
                source.emit("AAPL", 1.0)
                await until(lambda: ears.events)
        assert [each["side"] for each in logs if "clock" in each["event"]] == [f"{side} Databento's"]

    asyncio.run(run())


@pytest.mark.parametrize("no_time", [0, UNDEF_TIMESTAMP])
def test_24_clock_skew_is_not_seen_in_a_record_that_bears_no_time(no_time):
    check = ClockCheck()
    check.look(no_time)
    with pytest.raises(FeedDisconnected, match=r"clock is 40\.\d s ahead of Databento's"):
        check.look(time.time_ns() - 40 * NANOS)


def test_24_clock_skew_is_not_a_login_that_takes_its_time():
    moments = iter([100 * NANOS, 130 * NANOS])
    with structlog.testing.capture_logs() as logs:
        ClockCheck(lambda: next(moments)).look(129 * NANOS)
    assert not logs


def test_12_rate_limits_more_symbols_than_fit_a_request_are_all_heard():
    symbols = tuple(f"S{number}" for number in range(501))

    async def run():
        with still(symbols=symbols) as source:
            async with feeding(feed_at(source, *symbols), ears := Ears()):
                await until(lambda: len(source.subscriptions) == len(symbols))
                for symbol in (symbols[0], symbols[-1]):
                    source.emit(symbol, 1.0)
                await until(lambda: len(ears.events) == 2)
            assert sum("schema=" in line for line in source.lines) == 2

    asyncio.run(run())
