"""The failure modes of the study of vendors' protocols, each by its number there.

Of its 24 these cannot be at Alpaca: 2 (the nightly reset of a gateway), 8 (cancelled without being so), 9 (order ids that the
venue numbers), 13 (a competing session), 15 (the notice of a planned close), 17 (expiry) and 20 (the sign of a fee: no
execution has one). What else is like them, the tests of traps and the conformance kit look for.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest
import structlog
from alpaca_kit import Ears, feeding, limit, listening, order, until

from ml4t.live.errors import BrokerConnectionError, BrokerRefused, FeedDisconnected, FeedRefused, OutcomeUnknown
from ml4t.live.model import OrderState, TimeInForce
from ml4t.live.testing.conformance.beside import Beside
from ml4t.live.testing.conformance.broker.session import session
from ml4t.live.testing.conformance.feed.ear import supervised
from ml4t_live_alpaca import chains, executions
from ml4t_live_alpaca.rig import WRONG, bars_rig, broker_at, broker_rig, feed_at, still, trades_rig
from ml4t_live_alpaca.simulator.faults import Loss
from ml4t_live_alpaca.times import from_text

SECOND = 10**9


def test_01_connected_but_mute():
    """Both streams answer pings and say nothing: each is found out, connected again, and the hole of the data told."""

    async def run():
        async with broker_rig() as rig, session(rig) as trading:
            rig.venue.mute(True)
            await trading.until_down()
            rig.venue.mute(False)
            await trading.until_ready()
        async with bars_rig() as rig, supervised(rig) as heard:
            await heard.until_heard(heard.emit(2, *rig.symbols))
            rig.source.mute(True)
            missed = heard.emit(2, *rig.symbols)
            await heard.until_lost(rig.patience * 2)
            assert "have said nothing for 1 s, although asked" in heard.losses[0]
            rig.source.mute(False)
            await heard.until_heard(missed)
            assert {gap.symbol for gap in heard.gaps} == set(rig.symbols)

    asyncio.run(run())


@pytest.mark.parametrize("rig", [bars_rig, trades_rig])
def test_03_reconnect_leaves_a_hole_in_the_data(rig):
    """What happened while the stream was away is fetched, flagged, and told as a gap; what was heard before is not."""

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
            assert sum(gap.recovered for gap in heard.gaps) == len(missed)

    asyncio.run(run())


def test_03_a_hole_longer_than_a_page_is_filled_whole():
    async def run():
        with still() as venue:
            venue.page_history(3)
            times = [venue.emit("AAPL", 100.0 + number) for number in range(10)]
            fetched = list(await feed_at(venue, "AAPL").backfill("AAPL", times[0], times[-1] + 1))
            assert [event.event_time for event in fetched] == times

    asyncio.run(run())


def test_04_fills_while_away_are_not_pushed():
    async def run():
        async with broker_rig() as rig, session(rig, hold=True) as trading:
            placed = trading.rest()
            await trading.until_state(placed, OrderState.WORKING)
            rig.venue.refuse_connections(True)
            rig.venue.drop()
            await trading.until_down()
            rig.venue.execute(placed.order_id, 4, 90.0)
            rig.venue.execute(placed.order_id, 6, 90.0)
            rig.venue.refuse_connections(False)
            assert (await trading.until_state(placed, OrderState.FILLED)).filled_quantity == 10
            await trading.until_settled()

    asyncio.run(run())


def test_05_duplicate_fills(venue):
    """The stream, the stream again, and the list of activities call an execution by one id."""

    async def run():
        async with listening(venue) as (broker, ears):
            venue.hold(True)
            placed = limit()
            await broker.submit(placed)
            for quantity in (4, 6):
                venue.repeat(venue.execute(placed.order_id, quantity, 90.0))
            await until(lambda: len(ears.fills) == 4)
            snapshot = await broker.snapshot(0)
            assert len(ears.booked) == 2
            assert ears.booked.keys() == {fill.execution_id for fill in snapshot.fills}
            assert sum(fill.quantity for fill in ears.booked.values()) == 10

    asyncio.run(run())


def test_05_duplicates_that_contradict_each_other_are_not_believed(venue):
    """What an update says of the order can be from after a later execution: then its cumulative quantity names another."""

    async def run():
        broker, ears = broker_at(venue), Ears()
        await broker.connect()
        stream = asyncio.create_task(broker.run(ears))
        venue.hold(True)
        placed = limit()
        await broker.submit(placed)
        venue.execute(placed.order_id, 4, 90.0)
        await until(lambda: ears.fills)
        venue.tell("partial_fill", placed.order_id, execution_id="another", qty="3", price="90")
        with pytest.raises(BrokerConnectionError, match="contradict each other; its account activities are read instead"):
            await asyncio.wait_for(stream, 60)
        assert len(ears.fills) == 1
        await broker.close()

    asyncio.run(run())


@pytest.mark.parametrize("loss", [Loss.ANSWER, Loss.SILENCE, Loss.GATEWAY])
def test_06_order_state_unknown_after_a_timeout_or_504(loss):
    async def run():
        async with broker_rig() as rig, session(rig) as trading:
            rig.venue.lose_next_answer(loss)
            placed = trading.buy()
            await trading.until_state(placed, OrderState.UNKNOWN, OrderState.FILLED)
            await trading.until_state(placed, OrderState.FILLED)
            await trading.until_settled()
            assert rig.venue.requests == 1

    asyncio.run(run())


@pytest.mark.parametrize("loss", [Loss.ANSWER, Loss.SILENCE, Loss.GATEWAY, Loss.REQUEST])
def test_06_an_order_without_an_answer_is_neither_refused_nor_taken(venue, loss):
    async def run():
        async with listening(venue) as (broker, _):
            placed = limit()
            venue.lose_next_answer(loss)
            with pytest.raises(OutcomeUnknown):
                await broker.submit(placed)
            found = await broker.find(placed)
            assert (found is None) == (loss is Loss.REQUEST)

    asyncio.run(run())


def test_07_second_live_order_after_modify_during_outage(venue):
    """A replacement whose answer is lost is found as what it is: one order of ours, of which one part works."""

    async def run():
        venue.hold(True)
        placed = limit()
        async with listening(venue) as (broker, ears):
            await broker.submit(placed)
            venue.execute(placed.order_id, 3, 90.0)
            await until(lambda: ears.fills)
            venue.delay(3.0)
            with pytest.raises(OutcomeUnknown):
                await broker.replace(placed, quantity=8, limit_price=91.0, stop_price=None)
            venue.delay(0.0)
            found = await broker.find(placed)
            assert (found.terms.quantity, found.terms.limit_price, found.filled_quantity) == (8.0, 91.0, 3.0)
        fresh = broker_at(venue)  # after a restart nothing is known of the chain but what Alpaca tells
        (there,) = (await fresh.connect()).orders
        assert (there.order_id, there.quantity, there.limit_price, there.filled_quantity) == (placed.order_id, 8.0, 91.0, 3.0)
        await fresh.close()

    asyncio.run(run())


def test_07_a_lost_replacement_is_asked_for(venue):
    """Nothing is heard of it, because the stream is gone as well."""

    async def run():
        venue.hold(True)
        placed, broker = limit(), broker_at(venue)
        await broker.connect()
        await broker.submit(placed)
        venue.drop()
        venue.delay(3.0)
        with pytest.raises(OutcomeUnknown):
            await broker.replace(placed, quantity=8, limit_price=91.0, stop_price=None)
        venue.delay(0.0)
        found = await broker.find(placed)
        assert (found.terms.quantity, found.terms.limit_price) == (8.0, 91.0)
        await broker.close()

    asyncio.run(run())


def test_10_no_order_gate_in_the_restart_window():
    """While order updates are away nothing is sent; afterwards it is."""

    async def run():
        async with broker_rig() as rig, session(rig) as trading:
            await trading.until_state(trading.buy(), OrderState.FILLED)
            rig.venue.refuse_connections(True)
            rig.venue.drop()
            await trading.until_down()
            refused = trading._broker.submit_order(rig.symbol, 10)
            assert (refused.state, refused.code) == (OrderState.REJECTED, "venue_not_ready")
            rig.venue.refuse_connections(False)
            await trading.until_ready()
            await trading.until_state(trading.buy(), OrderState.FILLED)
            assert rig.venue.requests == 2

    asyncio.run(run())


OTHER_PROGRAM = """
import asyncio, sys
from ml4t_live_alpaca import AlpacaFeed

class Deaf:
    push = push_many = lambda self, _: None
    alive = lambda self: None

asyncio.run(AlpacaFeed(symbols=["MSFT"]).run(Deaf()))
"""


def test_11_one_connection_limit(venue):
    """Feeds of one engine share the connection; that of another program is told of, and its place taken when it is free."""
    key, secret = venue.keys
    environment = {**os.environ, "ALPACA_API_KEY": key, "ALPACA_SECRET_KEY": secret, "ALPACA_URL": venue.url}

    async def run(program):
        ears = Ears()
        try:
            await until(lambda: venue.subscriptions == {"MSFT"}, 60)
            with pytest.raises(FeedDisconnected, match=r"another connection with this key is open.*stop the other program"):
                await feed_at(venue, "AAPL").run(ears)
        finally:
            program.kill()
        await until(lambda: not venue.connections)
        async with feeding(feed_at(venue, "AAPL"), ears), feeding(feed_at(venue, "MSFT", data_type="trades"), ears):
            await until(lambda: venue.subscriptions == {"AAPL", "MSFT"})
            assert venue.connections == 1
            with pytest.raises(FeedRefused, match="another engine in this process listens"):
                await asyncio.to_thread(asyncio.run, feed_at(venue, "SPY").run(Ears()))

    with subprocess.Popen([sys.executable, "-c", OTHER_PROGRAM], env=environment) as program:
        asyncio.run(run(program))


def test_12_rate_limits_a_question_is_asked_again(venue):
    async def run():
        async with listening(venue, timeout_seconds=4.0) as (broker, _):
            for _ in range(2):
                venue.answer_next(429, {"message": "rate limit exceeded"}, path="/v2/positions")
            assert (await broker.snapshot(0)).account.cash == 100_000

    asyncio.run(run())


def test_12_rate_limits_an_order_is_refused_and_not_sent_again(venue):
    async def run():
        async with listening(venue) as (broker, _):
            venue.answer_next(429, {"code": 42910000, "message": "rate limit exceeded"}, method="POST")
            with pytest.raises(BrokerRefused, match="rate limit exceeded"):
                await broker.submit(order())
            assert venue.requests == 1
            assert not venue.orders()

    asyncio.run(run())


def test_12_rate_limits_are_kept_from_here_and_a_share_is_for_cancels(venue):
    async def run():
        async with listening(venue, requests_per_minute=40) as (broker, ears):
            placed = [limit(f"l{number}x", 1) for number in range(41)]

            async def send():
                for each in placed:
                    await broker.submit(each)

            with pytest.raises(BrokerRefused, match="40 requests in a minute are as many as may be sent"):
                await send()
            await asyncio.wait_for(broker.cancel(placed[0]), 60)
            await until(lambda: ears.state(placed[0]) is OrderState.CANCELLED)
            assert 20 < venue.requests < 40

    asyncio.run(run())


def test_14_slow_reader():
    """Alpaca hangs up on who reads too slowly: that is said, and what was missed is fetched."""

    async def run():
        async with trades_rig() as rig, supervised(rig) as heard:
            await heard.until_heard(heard.emit(2, *rig.symbols))
            rig.source.fail_market(407)
            await heard.until_lost(5.0)
            assert "this program read too slowly; listen to fewer symbols, or to bars" in heard.losses[0]
            missed = heard.emit(2, *rig.symbols)
            await heard.until_subscribed()
            await heard.until_heard(missed)

    asyncio.run(run())


def test_16_memory_growth(venue, monkeypatch):
    """What is remembered of orders and executions is bounded; what is forgotten is asked for."""
    monkeypatch.setattr(chains, "KEPT", 20)
    monkeypatch.setattr(executions, "KEPT", 20)

    async def run():
        async with listening(venue) as (broker, ears):
            placed = [order(f"o{number}x", 1) for number in range(50)]
            for each in placed:
                await broker.submit(each)
            await until(lambda: len(ears.booked) == 50)
            session = broker._session
            assert len(broker._chains._by_venue) <= 21
            assert len(broker._chains._by_order) <= 21
            assert len(session.executions._names) <= 20
            assert len(session.executions._spans) <= 20
            assert (await broker.find(placed[0])).state is OrderState.FILLED
            assert len((await broker.snapshot(0)).fills) == 50

    asyncio.run(run())


def test_18_timestamps_are_exact_to_the_nanosecond_and_bars_bear_their_start():
    """The stream writes times as msgpack's timestamps, history as text with nine decimals: both are the same integer."""

    async def run(maker):
        async with maker() as rig:
            feed, ears = rig.feed(["AAPL"]), Ears()
            async with feeding(feed, ears):
                await until(lambda: rig.source.subscriptions)
                when = rig.source.emit("AAPL", 100.0)
                await until(lambda: ears.events)
                (fetched,) = await feed.backfill("AAPL", when, when + 1)
                assert ears.events[0].event_time == fetched.event_time == when
                return when

    asyncio.run(run(trades_rig))
    assert asyncio.run(run(bars_rig)) % (60 * SECOND) == 0
    assert from_text("2026-09-18T09:24:50.019952743-04:00") == from_text("2026-09-18T13:24:50.019952743Z")
    assert from_text("2026-09-18T13:24:50.019952743Z") % SECOND == 19_952_743
    with pytest.raises(ValueError, match="names no offset"):
        from_text("2026-09-18T13:24:50")


def test_19_fractional_lot_and_tick(venue):
    """Quantities are cut towards less, prices to the grid: nothing is refused by Alpaca for its decimals."""

    async def run():
        async with listening(venue) as (broker, _):
            venue.hold(True)
            orders = [
                order("fraction", 1.23456789019),
                limit("cents", 10, 90.019),
                limit("penny", 10, 0.12345),
                limit("crypto", 0.123456, 9_000.019, symbol="BTC/USD", time_in_force=TimeInForce.GTC),
            ]
            for each in orders:
                await broker.submit(each)
            there = {each.order_id: each for each in venue.orders()}
            assert there[orders[0].order_id].quantity == 1.23456789
            assert there[orders[1].order_id].limit_price in {90.01, 90.02}
            assert there[orders[2].order_id].limit_price in {0.1234, 0.1235}
            assert (there[orders[3].order_id].quantity, there[orders[3].order_id].limit_price) == (0.1234, 9000.02)
            before = venue.requests
            with pytest.raises(BrokerRefused, match=r"is less than the smallest quantity, 0\.0001"):
                await broker.submit(limit("dust", 0.00001, 9_000.0, symbol="BTC/USD", time_in_force=TimeInForce.GTC))
            with pytest.raises(BrokerRefused, match="fractions of a share in day orders only"):
                await broker.submit(limit("gtc", 1.5, time_in_force=TimeInForce.GTC))
            assert venue.requests == before

    asyncio.run(run())


def test_21_credentials_wrong(venue):
    """The SDK tries a wrong key again for ever; here one request is made, and neither stream is opened."""

    async def run():
        for attempt in (broker_at(venue, secret_key=WRONG).connect(), feed_at(venue, "AAPL", secret_key=WRONG).run(Ears())):
            async with Beside() as beside:
                with pytest.raises((BrokerRefused, FeedRefused), match="check api_key and secret_key") as refused:
                    await attempt
            assert refused.value.code == "unauthorized"
            assert beside.lasted < 3.0
        assert venue.connections == 0

    asyncio.run(run())


@pytest.mark.parametrize("part", ["/v2/account", "/v2/positions", "/v2/orders", "/v2/account/activities/FILL"])
def test_22_partial_startup_sync(venue, part):
    """An account of which one part cannot be had is none."""

    async def run():
        broker = broker_at(venue)
        await broker.connect()
        venue.answer_next(500, {"message": "internal error"}, path=part)
        with pytest.raises(BrokerConnectionError, match="Alpaca answers 500: internal error"):
            await broker.connect()
        venue.sync_partially(True)
        with pytest.raises(BrokerConnectionError):
            await broker.connect()
        venue.sync_partially(False)
        await broker.connect()
        await broker.close()

    asyncio.run(run())


def test_22_an_account_that_trades_while_it_is_read_is_read_again(venue):
    """Each part is an answer of its own: a picture of before and after an execution is no picture."""

    async def run():
        async with listening(venue) as (broker, _):
            placed = limit()
            venue.hold(True)
            await broker.submit(placed)
            venue.execute_after("/v2/positions", placed.order_id, 4, 90.0)
            snapshot = await broker.snapshot(0)
            assert [position.quantity for position in snapshot.positions] == [4]
            assert [each.filled_quantity for each in snapshot.orders] == [4]
            assert [fill.quantity for fill in snapshot.fills] == [4]
            assert snapshot.account.cash == 100_000 - 4 * 90

    asyncio.run(run())


def test_23_handler_bug_kills_data(venue):
    """Whatever a sink raises ends the feed for all to see, in place of the rest of a frame that is lost without a word."""

    class Broken(Ears):
        def push(self, event):
            raise RuntimeError("a bug")

    async def run():
        running = asyncio.create_task(feed_at(venue, "AAPL").run(Broken()))
        await until(lambda: venue.subscriptions)
        venue.emit("AAPL", 100.0)
        with pytest.raises(RuntimeError, match="a bug"):
            await asyncio.wait_for(running, 60)

    asyncio.run(run())


@pytest.mark.parametrize(("seconds", "side"), [(60.0, "behind"), (-60.0, "ahead of")])
def test_24_clock_skew(venue, seconds, side):
    async def run():
        venue.skew_clock(seconds)
        with pytest.raises(BrokerConnectionError, match=rf"this machine's clock is (59|60)\.\d s {side} Alpaca's; set it"):
            await broker_at(venue).connect()
        venue.skew_clock(seconds / 20)
        with structlog.testing.capture_logs() as logs:
            async with listening(venue):
                pass
        assert [each["side"] for each in logs if each["event"] == "this machine's clock is wrong"] == [f"{side} Alpaca's"]
        venue.skew_clock(0.0)
        with structlog.testing.capture_logs() as logs:
            async with listening(venue):
                pass
        assert not [each for each in logs if each["event"] == "this machine's clock is wrong"]

    asyncio.run(run())
