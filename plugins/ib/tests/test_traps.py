"""The traps of IB's protocol and of its SDK, one test each, named by their numbers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from ib_line import PATIENCE, connected, listening, order, until

from ml4t.live.errors import BrokerConnectionError, FeedDisconnected
from ml4t.live.model import OrderState, OrderType, Trade
from ml4t.live.testing.chaos import ChaosProxy
from ml4t_live_ib.broker import IBBroker
from ml4t_live_ib.rig import QUICK

S = OrderState


async def test_t1_after_a_lost_connection_the_same_adapter_begins_anew(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        tws.drop()
        await until(line.stream.done)
        assert isinstance(line.stream.exception(), BrokerConnectionError)
        async with connected(tws, broker=line.broker) as again:
            assert [each.order_id for each in again.snapshot.orders] == [placed.order_id]
            tws.execute(placed.order_id, 10.0, 50.0)
            await again.until_state(placed, S.FILLED)
            assert again.fills[0].order_id == placed.order_id


async def test_t2_a_fill_while_away_is_in_the_first_snapshot(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
    execution = tws.execute(placed.order_id, 4.0, 50.0)
    async with connected(tws, broker=line.broker) as again:
        (fill,) = again.snapshot.fills
        assert (fill.execution_id, fill.order_id, fill.quantity) == (execution, placed.order_id, 4.0)
        assert again.snapshot.orders[0].filled_quantity == 4.0


@pytest.mark.parametrize("code", [10349, 10399, 463, 2109])
async def test_t3_a_remark_that_the_sdk_reads_as_a_cancel_ends_no_order(tws, code):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        tws.send_order_error(placed.order_id, code, "Order TIF was set to DAY based on order preset.")
        tws.execute(placed.order_id, 4.0, 50.0)
        await until(lambda: line.fills)
        assert (await line.broker.find(placed)).state.is_open
        assert all(state.is_open for state in line.states(placed))
        await line.broker.cancel(placed)
        assert (await line.until_state(placed, S.CANCELLED)).filled_quantity == 4.0


async def test_t3_an_order_with_a_remark_before_its_acknowledgement_is_taken(tws):
    tws.warn_of_presets(True)
    async with connected(tws) as line:
        assert await line.broker.submit(placed := order())
        assert all(state.is_open for state in line.states(placed))


async def test_t4_a_remark_that_the_sdk_reads_as_a_state_leaves_the_order_working(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        tws.send_order_error(placed.order_id, 399, "Warning: your order will not be placed until 09:30:00 US/Eastern")
        assert (await line.broker.find(placed)).state is S.WORKING
        (there,) = (await line.broker.snapshot(0)).orders
        assert there.state is S.WORKING
        assert set(line.states(placed)) == {S.WORKING}


async def test_t5_numbers_that_begin_again_are_not_used_again(tws):
    async with connected(tws) as line:
        for placed in (first := order(), second := order()):
            await line.broker.submit(placed)
        tws.execute(second.order_id, 10.0, 50.0)
        await line.until_state(second, S.FILLED)
        tws.restart(forget_ids=True)
        await until(line.stream.done)
        async with connected(tws, broker=line.broker) as again:
            await again.broker.submit(third := order(limit_price=40.0))
            there = {each.order_id: each.limit_price for each in tws.orders() if each.is_open}
            assert there == {first.order_id: 50.0, third.order_id: 40.0}


async def test_t5_a_new_process_takes_the_numbers_of_executions_for_used(tws):
    async with connected(tws) as line:
        await line.broker.submit(traded := order())
        tws.execute(traded.order_id, 10.0, 50.0)
        await line.until_state(traded, S.FILLED)
        used = line.broker._highest
    tws.restart(forget_ids=True)
    async with connected(tws) as another:
        await another.broker.submit(order())
        assert another.broker._highest > used


async def test_t6_a_client_id_in_use_is_said_at_once_and_in_words(tws):
    async with connected(tws):
        second = IBBroker(**{**QUICK, "timeout_seconds": 30.0}, port=tws.address[1])
        with pytest.raises(BrokerConnectionError, match=r"client id 1 is in use .* another process holds it"):
            await asyncio.wait_for(second.connect(), PATIENCE)


REQUESTS = [
    "reqPositions",
    "reqAllOpenOrders",
    "reqCompletedOrders",
    "reqExecutions",
    "reqAccountUpdatesMulti",
    "reqCurrentTime",
]


@pytest.mark.parametrize("end_only", [False, True])
@pytest.mark.parametrize("request_name", REQUESTS)
async def test_t7_a_start_with_one_question_unanswered_is_refused(tws, request_name, end_only):
    tws.leave_unanswered([request_name], end_only=end_only and request_name != "reqCurrentTime")
    broker = IBBroker(**QUICK, port=tws.address[1])
    with pytest.raises(BrokerConnectionError, match=r"did not say|timed out"):
        await broker.connect()
    await broker.close()
    tws.leave_unanswered([])
    tws.leave_unanswered([], end_only=True)
    async with connected(tws, broker=broker) as line:
        assert line.snapshot.account.cash == tws.cash()


async def test_t8_a_cut_off_tws_is_not_available_although_its_socket_stands(tws):
    async with connected(tws) as line:
        tws.lose_link()
        await until(lambda: line.availability)
        assert line.availability[0].startswith("IB 1100")
        tws.restore_link(data_kept=True)
        await until(lambda: len(line.availability) == 2)
        assert line.availability[1] == ""
        assert not line.stream.done()


async def test_t8_a_silent_stall_is_found_by_asking_for_the_time(tws):
    async with connected(tws) as line:
        tws.mute(True)
        await until(line.stream.done)
        with pytest.raises(BrokerConnectionError, match="did not say the time within"):
            await line.stream


async def test_t9_everything_happens_on_the_loop_it_was_called_on(tws):
    """A blocking call of the SDK inside a running loop would raise, and the adapter would not get as far as this."""
    async with connected(tws, hold=False) as line:
        await line.broker.submit(bought := order(order_type=OrderType.MARKET, limit_price=None))
        await line.until_state(bought, S.FILLED)
        assert (await line.broker.find(bought)).state is S.FILLED
        assert asyncio.get_running_loop().is_running()


@pytest.mark.parametrize("zone", ["US/Eastern", "Asia/Tokyo", "UTC"])
async def test_t10_the_time_of_an_execution_is_utc_whatever_the_zone_of_the_login(make_tws, zone):
    tws = make_tws(timezone=zone)
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        tws.execute(placed.order_id, 10.0, 50.0)
        await until(lambda: line.fills)
        (there,) = tws.fills()
        assert abs(line.fills[0].time - there.time) < 1_000_000_000
        assert abs(line.fills[0].time / 1e9 - datetime.now(UTC).timestamp()) < 60


async def test_t11_a_correction_names_the_first_execution(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        execution = tws.execute(placed.order_id, 10.0, 50.0)
        tws.correct(execution, 49.0)
        await until(lambda: any(fill.corrects for fill in line.fills))
        correction = next(fill for fill in line.fills if fill.corrects)
        assert correction.corrects == execution
        assert correction.execution_id[:-1] == execution[:-1]
        assert (correction.price, correction.quantity) == (49.0, 10.0)


async def test_t12_a_fill_is_told_before_its_fee_and_again_with_it(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        execution = tws.execute(placed.order_id, 10.0, 50.0, commission=None)
        await until(lambda: line.fills)
        assert [fill.commission for fill in line.fills] == [0.0]
        tws.charge(execution, 1.25)
        await until(lambda: len(line.fills) == 2)
        first, whole = line.fills
        assert (whole.execution_id, whole.commission) == (first.execution_id, 1.25)


async def test_t12_a_late_fee_is_in_every_later_snapshot(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        execution = tws.execute(placed.order_id, 10.0, 50.0, commission=None)
        await until(lambda: line.fills)
        tws.charge(execution, 1.25)
        await until(lambda: len(line.fills) == 2)
        assert [fill.commission for fill in (await line.broker.snapshot(0)).fills] == [1.25]


async def test_t13_a_damaged_length_is_found_by_the_probe(tws):
    """The top byte of a length becomes one of hundreds of megabytes: the client waits for a message that never ends."""
    with ChaosProxy(tws.address) as proxy:
        async with connected(tws, port=proxy.address[1]) as line:
            proxy.to_client.corrupt_after = 0
            tws.send_error(2104, "Market data farm connection is OK:usfarm")
            await until(line.stream.done)
            assert isinstance(line.stream.exception(), BrokerConnectionError)
            assert not tws.orders()


async def test_t14_an_order_of_an_earlier_session_is_known_by_its_names(tws):
    async with connected(tws) as line:
        venue_order_id = await line.broker.submit(working := order())
        await line.broker.submit(ended := order())
        await line.broker.cancel(ended)
        await line.until_state(ended, S.CANCELLED)
    async with connected(tws) as another:
        (there,) = another.snapshot.orders
        assert (there.order_id, there.venue_order_id) == (working.order_id, venue_order_id)
        assert (await another.broker.find(ended)).state is S.CANCELLED
        await another.broker.cancel(ended)
        await another.until_state(ended, S.CANCELLED)
        assert await another.broker.submit(working) == venue_order_id
        await another.broker.cancel(working)
        await another.until_state(working, S.CANCELLED)


async def test_t14_an_order_entered_by_hand_is_shown_and_is_nobodys(tws):
    permanent = tws.enter_by_hand("MSFT", "SELL", 3.0, limit=900.0)
    async with connected(tws) as line:
        (there,) = line.snapshot.orders
        assert (there.order_id, there.venue_order_id, there.symbol) == ("", str(permanent), "MSFT")


async def test_t14_the_venues_time_of_a_trade_is_kept_which_the_sdk_drops(tws):
    async with listening(tws, "AAPL", data="trades") as ear:
        moment = tws.emit("AAPL", 101.0, 7.0)
        await until(lambda: ear.events)
        assert ear.events[0] == Trade("AAPL", moment, 101.0, 7.0, None, "ib")


async def test_t1_a_feed_that_was_lost_subscribes_anew(tws):
    async with listening(tws, "AAPL", "MSFT") as ear:
        tws.drop(reset=True)
        assert isinstance(await ear.until_lost(), FeedDisconnected)
        async with listening(tws, "AAPL", "MSFT", feed=ear.feed) as again:
            moment = tws.emit("AAPL", 101.0)
            await until(lambda: again.events)
            assert again.events[0].event_time == moment
