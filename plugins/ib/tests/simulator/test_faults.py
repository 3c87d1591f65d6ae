"""Every failure that can be switched on, as the real SDK sees it."""

from __future__ import annotations

import asyncio

import pytest
from ib_async import IB, LimitOrder, MarketOrder

from ml4t.live.model import OrderState


async def resting(ib, eventually, ref: str = "rests"):
    trade = ib.placeOrder(await ib.stock(), LimitOrder("BUY", 5, 100.0, orderRef=ref))
    await eventually(lambda: trade.orderStatus.status == "Submitted")
    return trade


async def bars_of(ib, tws, eventually):
    bars = ib.reqRealTimeBars(await ib.stock(), 5, "TRADES", False)
    await eventually(lambda: "AAPL" in tws.subscriptions)
    return bars


def heard(ib, *callbacks: str) -> list[str]:
    """Return what fills with the names of these callbacks as they are called."""
    told: list[str] = []
    for name in callbacks:
        original = getattr(ib.wrapper, name)
        setattr(ib.wrapper, name, lambda *a, name=name, original=original: (told.append(name), original(*a)))
    return told


async def settled(ib) -> None:
    """Wait until everything that was sent before now has arrived."""
    await ib.reqCurrentTimeAsync()


# --- the socket


@pytest.mark.parametrize("reset", [False, True])
async def test_a_lost_socket_loses_nothing_but_the_socket(tws, connected, eventually, reset) -> None:
    async with connected(tws) as ib:
        await resting(ib, eventually)
        tws.drop(reset=reset)
        assert tws.connections == 0
        await eventually(lambda: not ib.isConnected())
    async with connected(tws) as ib:
        assert [each.order.orderRef for each in ib.openTrades()] == ["rests"]
        assert tws.connections == 1


async def test_a_fill_while_nobody_is_there_is_told_when_asked_for(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        await resting(ib, eventually)
    await eventually(lambda: tws.connections == 0)
    name = tws.execute("rests", 5, 99.0)
    async with connected(tws) as ib:
        assert [fill.execution.execId for fill in ib.fills()] == [name]
        assert [position.position for position in ib.positions()] == [5.0]
        await eventually(lambda: ib.fills()[0].commissionReport.execId == name)


async def test_a_restart_keeps_the_books_and_the_address(tws, connected, eventually) -> None:
    address = tws.address
    async with connected(tws) as ib:
        trade = await resting(ib, eventually)
        next_id = ib.client.getReqId()
        tws.restart()
        await eventually(lambda: not ib.isConnected())
    assert tws.address == address
    async with connected(tws) as ib:
        assert [each.order.permId for each in ib.openTrades()] == [trade.order.permId]
        assert ib.client.getReqId() >= next_id - 1
        ib.cancelOrder(ib.openTrades()[0].order)
        await eventually(lambda: tws.orders()[0].state is OrderState.CANCELLED)


async def test_ids_that_begin_again(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        trade = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 1, orderId=500, orderRef="first"))
        await eventually(trade.isDone)
        tws.restart(forget_ids=True)
        await eventually(lambda: not ib.isConnected())
    async with connected(tws) as ib:
        assert ib.client._reqIdSeq < 500
        again = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 1, orderId=500, orderRef="second"))
        await eventually(again.isDone)
        assert again.order.permId != trade.order.permId
    assert [order.order_id for order in tws.orders()] == ["first", "second"]


async def test_mute(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        bars = await bars_of(ib, tws, eventually)
        tws.emit("AAPL", 231.0)
        await eventually(lambda: len(bars) == 1)
        tws.mute(True)
        tws.emit("AAPL", 232.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ib.reqCurrentTimeAsync(), 0.2)
        assert ib.isConnected()
        tws.mute(False)
        tws.emit("AAPL", 233.0)
        await eventually(lambda: len(bars) == 2)
        assert [bar.close for bar in bars] == [231.0, 233.0]


async def test_mute_that_answers_probes(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        tws.mute(True, answer_probes=True)
        await ib.reqCurrentTimeAsync()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ib.reqPositionsAsync(), 0.2)


async def test_a_second_client_with_the_same_id_is_told_and_dropped(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        other = IB()
        codes = []
        other.errorEvent += lambda _, code, *__: codes.append(code)
        with pytest.raises((TimeoutError, ConnectionError)):
            await other.connectAsync(*tws.address, clientId=7, timeout=0.5)
        assert 326 in codes
        await settled(ib)
        assert tws.connections == 1


async def test_a_changed_port(tws, connected, eventually) -> None:
    old = tws.address
    async with connected(tws) as ib:
        port = tws.change_port()
        await eventually(lambda: not ib.isConnected())
        (text,) = [text for _, code, text in ib.errors if code == 1300]
        assert text.endswith(f" - {port}")
    with pytest.raises(ConnectionRefusedError):
        await IB().connectAsync(*old, timeout=1)
    async with connected(tws):
        assert tws.address[1] == port != old[1]


async def test_late_answers(tws, connected) -> None:
    async with connected(tws) as ib:
        tws.delay(0.2)
        loop = asyncio.get_running_loop()
        before = loop.time()
        await ib.reqCurrentTimeAsync()
        assert loop.time() - before >= 0.19
        tws.delay(0.0)


# --- the start


@pytest.mark.parametrize("end_only", [False, True])
@pytest.mark.parametrize(
    "request_name", ["reqPositions", "reqOpenOrders", "reqCompletedOrders", "reqExecutions", "reqAccountUpdates"]
)
async def test_a_start_that_is_never_complete(tws, connected, request_name, end_only) -> None:
    tws.leave_unanswered([request_name], end_only=end_only)
    with pytest.raises(ConnectionError):
        async with connected(tws, timeout=0.3):
            pass
    tws.leave_unanswered([], end_only=end_only)
    async with connected(tws):
        pass


async def test_positions_that_are_left_out(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        trade = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 1))
        await eventually(trade.isDone)
    tws.sync_partially(True)
    with pytest.raises(ConnectionError):
        async with connected(tws, timeout=0.3):
            pass
    tws.sync_partially(False)
    async with connected(tws) as ib:
        assert len(ib.positions()) == 1


# --- orders


async def test_a_reject(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        tws.reject_next("the exchange is closed")
        trade = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 1))
        await eventually(trade.isDone)
        assert [text for _, code, text in ib.errors if code == 201] == ["Order rejected - reason:the exchange is closed"]
        accepted = ib.placeOrder(trade.contract, MarketOrder("BUY", 1))
        await eventually(lambda: accepted.orderStatus.status == "Filled")
    assert len(tws.orders()) == 1


async def test_a_fill_before_the_acknowledgement(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        seen = []
        ib.execDetailsEvent += lambda trade, _: seen.append(("fill", trade.orderStatus.status))
        ib.openOrderEvent += lambda trade: seen.append(("order", trade.orderStatus.status))
        tws.execute_before_acknowledging()
        trade = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 1))
        await eventually(lambda: trade.orderStatus.status == "Filled")
    assert seen[0] == ("fill", "PendingSubmit")


async def test_a_lost_answer(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        tws.lose_next_answer()
        trade = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 1, orderRef="lost"))
        await eventually(tws.fills)
        await settled(ib)
        assert trade.orderStatus.status == "PendingSubmit"
        (found,) = await ib.reqCompletedOrdersAsync(False)
        assert found.order.orderRef == "lost"
        heard = ib.placeOrder(trade.contract, MarketOrder("BUY", 1))
        await eventually(heard.isDone)


async def test_an_answer_that_is_lost_is_lost_on_that_connection_only(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        tws.lose_next_answer()
        ib.placeOrder(await ib.stock(), LimitOrder("BUY", 1, 100.0, orderRef="lost"))
        await eventually(tws.orders)
    async with connected(tws) as ib:
        (trade,) = ib.openTrades()
        tws.execute("lost", 1, 100.0)
        await eventually(trade.isDone)


async def test_a_lost_request(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        tws.lose_next_request()
        trade = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 1))
        await eventually(lambda: tws.requests == 1)
        await settled(ib)
        assert not tws.orders()
        assert trade.orderStatus.status == "PendingSubmit"


async def test_executions_that_come_again(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        await resting(ib, eventually)
        name = tws.execute("rests", 5, 100.0)
        await eventually(ib.fills)
        told = []
        original = ib.wrapper.execDetails
        ib.wrapper.execDetails = lambda *arguments: (told.append(arguments[2].execId), original(*arguments))
        tws.repeat(name)
        await eventually(lambda: told == [name])
        assert len(ib.fills()) == 1
    assert len(tws.fills()) == 1


async def test_messages_that_come_twice(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        tws.duplicate(1.0)
        told = []
        original = ib.wrapper.execDetails
        ib.wrapper.execDetails = lambda *arguments: (told.append(arguments[2].execId), original(*arguments))
        trade = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 1))
        await eventually(lambda: len(told) == 2)
        assert told[0] == told[1]
        assert len(trade.fills) == 1


async def test_messages_that_overtake_each_other(make_tws, connected, eventually) -> None:
    orders_seen = set()
    for seed in range(6):
        tws = make_tws(seed=seed)
        async with connected(tws) as ib:
            told = heard(ib, "openOrder", "orderStatus", "execDetails", "commissionReport")
            tws.shuffle(True)
            trade = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 1))
            await eventually(lambda told=told: len(told) == 8)
            assert trade.order.permId
            orders_seen.add(tuple(told))
    assert len(orders_seen) > 1


async def test_a_warning_that_the_sdk_takes_for_a_cancellation(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        tws.warn_of_presets(True)
        trade = ib.placeOrder(await ib.stock(), LimitOrder("BUY", 1, 100.0))
        await eventually(lambda: 10349 in ib.codes)
        assert trade.orderStatus.status == "Cancelled"  # says the SDK
        assert tws.orders()[0].state is OrderState.WORKING
        assert len(await ib.reqOpenOrdersAsync()) == 1


async def test_an_error_about_an_order_that_does_nothing_to_it(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        trade = await resting(ib, eventually)
        tws.send_order_error("rests", 399, "Order Message: it waits for the open")
        await eventually(lambda: 399 in ib.codes)
        assert [request for request, code, _ in ib.errors if code == 399] == [trade.order.orderId]
        assert tws.orders()[0].state is OrderState.WORKING


async def test_a_refused_cancellation(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        trade = await resting(ib, eventually)
        tws.refuse_next_cancel(161, "Cancel attempted when order is not in a cancellable state.")
        ib.cancelOrder(trade.order)
        await eventually(lambda: 161 in ib.codes)
        assert tws.orders()[0].state is OrderState.WORKING
        ib.client.cancelOrder(trade.order.orderId)
        await eventually(lambda: tws.orders()[0].state is OrderState.CANCELLED)


async def test_a_late_commission(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        trade = await resting(ib, eventually)
        name = tws.execute("rests", 5, 100.0, commission=None)
        await eventually(trade.isDone)
        cash = tws.cash()
        tws.charge(name, 1.5)
        await eventually(lambda: trade.fills[0].commissionReport.commission == 1.5)
        assert tws.cash() == pytest.approx(cash - 1.5)


# --- the vendor's servers


async def test_the_link_is_lost_and_data_is_kept(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        bars = await bars_of(ib, tws, eventually)
        tws.lose_link()
        trade = ib.placeOrder(bars.contract, MarketOrder("BUY", 1))
        tws.emit("AAPL", 231.0)
        await eventually(lambda: 1100 in ib.codes and tws.orders())
        await settled(ib)
        assert ib.isConnected()
        assert trade.orderStatus.status == "PendingSubmit"
        assert not bars
        tws.restore_link(data_kept=True)
        await eventually(lambda: 1102 in ib.codes and trade.orderStatus.status == "Filled")
        tws.emit("AAPL", 232.0)
        await eventually(lambda: len(bars) == 1)


async def test_the_link_is_lost_and_data_with_it(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        bars = await bars_of(ib, tws, eventually)
        tws.lose_link()
        tws.restore_link(data_kept=False)
        await eventually(lambda: 1101 in ib.codes)
        tws.emit("AAPL", 231.0)
        await settled(ib)
        assert not bars
        assert tws.subscriptions == frozenset()


async def test_data_that_is_said_to_go_on_and_does_not(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        bars = await bars_of(ib, tws, eventually)
        tws.lose_link()
        tws.restore_link(data_kept=True, stalled=True)
        await eventually(lambda: 1102 in ib.codes)
        tws.emit("AAPL", 231.0)
        await settled(ib)
        assert not bars
        assert tws.subscriptions == {"AAPL"}
        tws.stall_data(False)
        tws.emit("AAPL", 232.0)
        await eventually(lambda: len(bars) == 1)


async def test_a_cancellation_waits_for_the_link(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        trade = await resting(ib, eventually)
        tws.lose_link()
        ib.cancelOrder(trade.order)
        await eventually(lambda: tws.requests == 2)
        assert tws.orders()[0].state is OrderState.WORKING
        tws.execute("rests", 5, 100.0)
        tws.restore_link(data_kept=True)
        await eventually(lambda: 10148 in ib.codes)
        assert tws.orders()[0].state is OrderState.FILLED


async def test_history_without_the_link(tws, connected) -> None:
    async with connected(tws) as ib:
        stock = await ib.stock()
        tws.lose_link()
        assert not await ib.reqHistoricalDataAsync(stock, "", "3600 S", "1 min", "TRADES", False)
        assert 162 in ib.codes


async def test_a_client_that_comes_while_the_link_is_lost_is_told(tws, connected, eventually) -> None:
    tws.lose_link()
    async with connected(tws) as ib:
        await eventually(lambda: 1100 in ib.codes)


async def test_a_competing_session(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        bars = await bars_of(ib, tws, eventually)
        tws.compete(True)
        await eventually(lambda: 10197 in ib.codes)
        tws.emit("AAPL", 231.0)
        ib.reqMktData(bars.contract)
        await eventually(lambda: ib.codes.count(10197) == 2)
        assert not bars
        tws.compete(False)
        tws.emit("AAPL", 232.0)
        await eventually(lambda: len(bars) == 1)


async def test_a_subscription_to_data_that_is_taken_away(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        tws.unsubscribe("AAPL")
        ib.reqRealTimeBars(await ib.stock(), 5, "TRADES", False)
        await eventually(lambda: 420 in ib.codes)


async def test_subscriptions_that_end(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        bars = await bars_of(ib, tws, eventually)
        tws.end_subscriptions("AAPL", 10186, "Requested market data is not subscribed.")
        await eventually(lambda: [request for request, code, _ in ib.errors if code == 10186] == [bars.reqId])
        assert tws.subscriptions == frozenset()


async def test_the_sdk_subscribes_again_after_a_bust(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        bars = await bars_of(ib, tws, eventually)
        tws.end_subscriptions("AAPL", 10225, "Bust event occurred, current subscription is deactivated.")
        await eventually(lambda: 10225 in ib.codes and tws.subscriptions == {"AAPL"})
        tws.emit("AAPL", 231.0)
        await eventually(lambda: len(bars) == 1)


async def test_the_nightly_reset(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        done = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 1))
        day = await resting(ib, eventually, "day")
        kept = ib.placeOrder(day.contract, LimitOrder("BUY", 1, 100.0, tif="GTC", orderRef="kept"))
        await bars_of(ib, tws, eventually)
        await eventually(lambda: done.isDone() and kept.orderStatus.status == "Submitted")
        tws.nightly_reset()
        await eventually(lambda: day.orderStatus.status == "Cancelled" and 1101 in ib.codes)
        assert [code for _, code, _ in ib.errors if code in {1100, 1101, 2103, 2104}][-4:] == [1100, 2103, 1101, 2104]
        assert tws.subscriptions == frozenset()
    async with connected(tws) as ib:
        assert ib.fills() == []
        assert [each.order.orderRef for each in ib.openTrades()] == ["kept"]
        assert [position.position for position in ib.positions()] == [1.0]


async def test_any_other_notice(tws, connected, eventually) -> None:
    async with connected(tws, 7) as ib, connected(tws, 8) as other:
        tws.send_error(2110, "Connectivity between TWS and server is broken. It will be restored automatically.", client_id=7)
        await eventually(lambda: any(code == 2110 for _, code, _ in ib.errors))
        await settled(other)
        assert not any(code == 2110 for _, code, _ in other.errors)
