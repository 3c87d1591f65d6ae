"""Orders through the real SDK."""

from __future__ import annotations

import datetime as dt

import pytest
from ib_async import Crypto, ExecutionFilter, LimitOrder, MarketOrder, Order, StopLimitOrder, StopOrder
from ib_async.objects import CommissionReport

from ml4t.live.model import OrderSide, OrderState


async def test_a_market_order_in_two_parts(tws, connected, eventually) -> None:
    tws.hold(True)
    async with connected(tws) as ib:
        trade = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 10, orderRef="our-id"))
        await eventually(lambda: trade.orderStatus.status == "Submitted")
        first = tws.execute("our-id", 4, 190.0, commission=1.25)
        second = tws.execute("our-id", 6, 195.0, commission=None)
        await eventually(lambda: trade.orderStatus.status == "Filled" and ib.positions())

        assert [(fill.execution.execId, fill.execution.shares) for fill in trade.fills] == [(first, 4.0), (second, 6.0)]
        assert [fill.execution.cumQty for fill in trade.fills] == [4.0, 10.0]
        assert trade.orderStatus.avgFillPrice == pytest.approx(193.0)
        assert trade.fills[0].execution.orderRef == "our-id"
        assert trade.fills[0].execution.permId == trade.order.permId > 0
        assert abs(trade.fills[0].execution.time - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=30)
        assert trade.fills[0].commissionReport.commission == 1.25
        assert trade.fills[1].commissionReport == CommissionReport()
        tws.charge(second, 2.0)
        await eventually(lambda: trade.fills[1].commissionReport.commission == 2.0)
        assert [(each.position, each.avgCost) for each in ib.positions()] == [(10.0, pytest.approx(193.0))]

    (order,) = tws.orders()
    assert (order.order_id, order.state, order.side, order.filled_quantity) == ("our-id", OrderState.FILLED, OrderSide.BUY, 10)
    assert [(fill.execution_id, fill.quantity, fill.commission) for fill in tws.fills()] == [(first, 4, 1.25), (second, 6, 2.0)]
    assert tws.positions() == {"AAPL": 10.0}
    assert tws.cash() == pytest.approx(1_000_000 - 1930 - 3.25)


async def test_the_statuses_of_an_order_come_in_the_vendors_order(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        seen = []
        ib.orderStatusEvent += lambda trade: seen.append(trade.orderStatus.status)
        trade = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 1))
        await eventually(trade.isDone)

    # The SDK itself says PendingSubmit.
    assert [status for status in dict.fromkeys(seen) if status != "PendingSubmit"] == ["PreSubmitted", "Submitted", "Filled"]


async def test_a_limit_order_rests_is_modified_and_cancelled(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        order = LimitOrder("BUY", 5, 180.0, orderRef="rests")
        trade = ib.placeOrder(await ib.stock(), order)
        await eventually(lambda: trade.orderStatus.status == "Submitted")
        perm_id = trade.order.permId

        order.lmtPrice, order.totalQuantity = 185.0, 7
        ib.placeOrder(trade.contract, order)
        await eventually(lambda: tws.orders()[0].limit_price == 185.0)
        assert (tws.orders()[0].quantity, tws.orders()[0].venue_order_id) == (7, str(perm_id))

        ib.cancelOrder(order)
        await eventually(lambda: 202 in ib.codes and trade.orderStatus.status == "Cancelled")
        assert len(tws.orders()) == 1
        assert tws.requests == 3
    assert tws.cash() == 1_000_000


async def test_a_resting_order_trades_when_the_market_touches_it(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        trade = ib.placeOrder(await ib.stock(), LimitOrder("BUY", 5, 180.0))
        await eventually(lambda: trade.orderStatus.status == "Submitted")
        tws.price("AAPL", 180.01)
        tws.price("AAPL", 180.0)
        await eventually(trade.isDone)
        assert [fill.execution.price for fill in trade.fills] == [180.0]


async def test_a_marketable_limit_order_gets_the_touch(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        trade = ib.placeOrder(await ib.stock(), LimitOrder("SELL", 5, 180.0))
        await eventually(trade.isDone)
        assert [fill.execution.price for fill in trade.fills] == [200.0]
    assert tws.positions() == {"AAPL": -5.0}


async def test_stops_wait_for_their_trigger(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        stock = await ib.stock()
        stop = ib.placeOrder(stock, StopOrder("SELL", 1, 190.0))
        limited = ib.placeOrder(stock, StopLimitOrder("SELL", 1, 189.0, 190.0))
        trail = ib.placeOrder(stock, Order(action="SELL", totalQuantity=1, orderType="TRAIL", auxPrice=15.0))
        touched = ib.placeOrder(stock, Order(action="BUY", totalQuantity=1, orderType="MIT", auxPrice=188.0))
        trades = [stop, limited, trail, touched]
        await eventually(lambda: all(trade.orderStatus.status == "PreSubmitted" for trade in trades))
        tws.price("AAPL", 204.0)
        tws.price("AAPL", 189.5)
        await eventually(lambda: stop.isDone() and limited.isDone())
        assert [trade.fills[0].execution.price for trade in (stop, limited)] == [189.5, 189.5]
        assert not trail.isDone()
        tws.price("AAPL", 189.0)  # 15 below the highest price, 204
        await eventually(trail.isDone)
        assert trail.fills[0].execution.price == 189.0
        assert not touched.isDone()
        tws.price("AAPL", 188.0)
        await eventually(touched.isDone)


async def test_a_bracket(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        stock = await ib.stock()
        entry, profit, loss = ib.bracketOrder("BUY", 10, 195.0, 210.0, 190.0)
        trades = [ib.placeOrder(stock, each) for each in (entry, profit, loss)]
        await eventually(lambda: trades[2].orderStatus.status == "PreSubmitted")
        assert [trade.orderStatus.status for trade in trades] == ["Submitted", "PreSubmitted", "PreSubmitted"]
        tws.price("AAPL", 215.0)  # the children do not trade before their parent
        assert not tws.fills()
        tws.price("AAPL", 195.0)
        await eventually(lambda: trades[0].isDone() and trades[1].orderStatus.status == "Submitted")
        tws.price("AAPL", 211.0)
        await eventually(lambda: trades[1].isDone() and trades[2].isDone())
        assert [trade.orderStatus.status for trade in trades] == ["Filled", "Filled", "Cancelled"]
    assert tws.positions() == {}


async def test_a_child_trades_no_more_than_its_parent_has(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        stock = await ib.stock()
        entry, profit, loss = ib.bracketOrder("BUY", 10, 195.0, 210.0, 190.0)
        entry.orderRef = "entry"
        trades = [ib.placeOrder(stock, each) for each in (entry, profit, loss)]
        await eventually(lambda: trades[2].orderStatus.status == "PreSubmitted")
        tws.execute("entry", 4, 195.0)
        tws.price("AAPL", 210.0)
        await eventually(lambda: trades[1].orderStatus.filled == 4 and trades[2].orderStatus.remaining == 6)
        tws.execute("entry", 6, 195.0)
        await eventually(lambda: all(trade.isDone() for trade in trades))
    assert tws.positions() == {}


async def test_cancelling_a_parent_cancels_its_children(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        stock = await ib.stock()
        trades = [ib.placeOrder(stock, each) for each in ib.bracketOrder("BUY", 10, 195.0, 210.0, 190.0)]
        await eventually(lambda: trades[2].orderStatus.status == "PreSubmitted")
        ib.cancelOrder(trades[0].order)
        await eventually(lambda: all(trade.orderStatus.status == "Cancelled" for trade in trades))


async def test_an_order_that_is_not_transmitted_does_nothing(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        order = MarketOrder("BUY", 1, transmit=False)
        trade = ib.placeOrder(await ib.stock(), order)
        await eventually(lambda: tws.requests == 1)
        assert not tws.fills()
        assert not await ib.reqOpenOrdersAsync()
        order.transmit = True
        ib.placeOrder(trade.contract, order)
        await eventually(lambda: trade.orderStatus.status == "Filled")


@pytest.mark.parametrize(("kind", "left"), [(1, "Cancelled"), (3, "Submitted")])
async def test_an_oca_group(tws, connected, eventually, kind, left) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        stock = await ib.stock()
        orders = [LimitOrder("BUY", 10, price, orderRef=f"r{price}") for price in (180.0, 170.0)]
        ib.oneCancelsAll(orders, "group", kind)
        trades = [ib.placeOrder(stock, order) for order in orders]
        await eventually(lambda: all(trade.orderStatus.status == "Submitted" for trade in trades))
        tws.execute("r180.0", 3, 180.0)
        await eventually(lambda: trades[1].orderStatus.status == left and trades[1].orderStatus.remaining in {0, 7})
        if kind == 3:
            tws.execute("r180.0", 7, 180.0)
            await eventually(lambda: trades[1].orderStatus.status == "Cancelled")


@pytest.mark.parametrize(("tif", "filled"), [("IOC", 4.0), ("FOK", 0.0)])
async def test_immediate_orders_leave_nothing_behind(make_tws, connected, eventually, tif, filled) -> None:
    tws = make_tws(depth=4, prices={"AAPL": 200.0})
    async with connected(tws) as ib:
        trade = ib.placeOrder(await ib.stock(), LimitOrder("BUY", 10, 201.0, tif=tif))
        await eventually(lambda: trade.orderStatus.status == "Cancelled")
        assert trade.orderStatus.filled == filled


async def test_depth_makes_partial_fills(make_tws, connected, eventually) -> None:
    tws = make_tws(depth=4, prices={"AAPL": 200.0})
    async with connected(tws) as ib:
        trade = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 10))
        await eventually(lambda: trade.orderStatus.filled == 4)
        tws.price("AAPL", 201.0)
        tws.price("AAPL", 202.0)
        await eventually(trade.isDone)
        assert [(fill.execution.shares, fill.execution.price) for fill in trade.fills] == [(4, 200), (4, 201), (2, 202)]


async def test_auctions(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        stock = await ib.stock()
        close = ib.placeOrder(stock, Order(action="BUY", totalQuantity=1, orderType="MOC"))
        late = ib.placeOrder(stock, Order(action="BUY", totalQuantity=1, orderType="LOC", lmtPrice=150.0))
        first = ib.placeOrder(stock, MarketOrder("BUY", 1, tif="OPG"))
        await eventually(lambda: first.orderStatus.status == "PreSubmitted")
        tws.auction(opening=True)
        await eventually(first.isDone)
        assert not close.isDone()
        tws.auction(opening=False)
        await eventually(lambda: close.isDone() and late.isDone())
        assert (close.orderStatus.status, late.orderStatus.status) == ("Filled", "Cancelled")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (LimitOrder("BUY", 1, 180.001), 110),
        (MarketOrder("BUY", 1_000_000), 201),
        (MarketOrder("BUY", 0), 434),
        (MarketOrder("BUY", 0.00001), 10318),
        (Order(action="BUY", totalQuantity=1, orderType="PEG MID"), 387),
        (Order(action="BUY", totalQuantity=1, orderType="LMT"), 321),
        (Order(action="BUY", totalQuantity=1, orderType="TRAIL"), 321),
        (MarketOrder("BUY", 1, tif="GTX"), 10052),
        (MarketOrder("BUY", 1, account="DU9999999"), 435),
        (MarketOrder("BUY", 1, parentId=77), 135),
        (MarketOrder("BUY", 1, algoStrategy="Adaptive"), 201),
    ],
)
async def test_what_tws_does_not_take(tws, connected, eventually, order, code) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        order.orderId = 0
        ib.placeOrder(await ib.stock(), order)
        await eventually(lambda: code in ib.codes)
    assert not tws.orders()


async def test_fractions_where_they_are_not_allowed(make_tws, connected, eventually) -> None:
    tws = make_tws(fractional=False)
    async with connected(tws) as ib:
        ib.placeOrder(await ib.stock(), MarketOrder("BUY", 0.5))
        await eventually(lambda: 10243 in ib.codes)


async def test_coins_cannot_be_sold_short_and_have_fractions(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        (coin,) = await ib.qualifyContractsAsync(Crypto("BTC", "PAXOS", "USD"))
        trade = ib.placeOrder(coin, MarketOrder("BUY", 0.001, tif="IOC"))
        await eventually(trade.isDone)
        assert tws.positions() == {"BTC.USD PAXOS": 0.001}
        ib.placeOrder(coin, MarketOrder("SELL", 0.002, tif="IOC"))
        await eventually(lambda: 201 in ib.codes)


async def test_modifications_that_tws_refuses_leave_the_order_alone(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        trade = ib.placeOrder(await ib.stock(), LimitOrder("BUY", 5, 180.0))
        await eventually(lambda: trade.orderStatus.status == "Submitted")
        order_id = trade.order.orderId
        ib.client.placeOrder(order_id, trade.contract, LimitOrder("SELL", 5, 180.0))
        await eventually(lambda: ib.codes.count(105) == 1)
        ib.client.placeOrder(order_id, await ib.stock("MSFT"), LimitOrder("BUY", 5, 180.0))
        await eventually(lambda: ib.codes.count(105) == 2)
        ib.client.placeOrder(order_id, trade.contract, MarketOrder("BUY", 5))
        await eventually(lambda: 329 in ib.codes)
        ib.client.placeOrder(order_id, trade.contract, LimitOrder("BUY", 5, 180.001))
        await eventually(lambda: 110 in ib.codes)
        (order,) = tws.orders()
        assert (order.limit_price, order.state) == (180.0, OrderState.WORKING)

        tws.price("AAPL", 180.0)
        await eventually(lambda: trade.orderStatus.status == "Filled")
        ib.client.placeOrder(order_id, trade.contract, LimitOrder("BUY", 5, 181.0))
        await eventually(lambda: 104 in ib.codes)


async def test_cancellations_that_tws_refuses(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        trade = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 1))
        await eventually(trade.isDone)
        ib.client.cancelOrder(trade.order.orderId)
        await eventually(lambda: 10148 in ib.codes)
        ib.client.cancelOrder(4711)
        await eventually(lambda: 10147 in ib.codes)


async def test_an_order_id_serves_once(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        stock = await ib.stock()
        ib.placeOrder(stock, LimitOrder("BUY", 1, 150.0, orderId=1000))
        await eventually(tws.orders)
        ib.client.placeOrder(999, stock, LimitOrder("BUY", 1, 150.0))
        await eventually(lambda: 103 in ib.codes)
        assert len(tws.orders()) == 1
        ib.client.reqIds(1)
        await ib.reqCurrentTimeAsync()
    async with connected(tws) as ib:
        assert ib.client.getReqId() > 1000


async def test_clients_see_their_own_orders_and_may_ask_for_all(tws, connected, eventually) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws, 7) as ours, connected(tws, 8) as theirs, connected(tws, 0) as master:
        stock = await ours.stock()
        trade = ours.placeOrder(stock, LimitOrder("BUY", 1, 150.0, orderRef="ours"))
        theirs.placeOrder(stock, LimitOrder("BUY", 2, 151.0, orderRef="theirs"))
        by_hand = tws.enter_by_hand("AAPL", "SELL", 3, limit=300.0)
        await eventually(lambda: len(tws.orders()) == 3 and trade.orderStatus.status == "Submitted")

        assert [each.order.orderRef for each in await ours.reqOpenOrdersAsync()] == ["ours"]
        everything = await ours.reqAllOpenOrdersAsync()
        assert {(each.order.clientId, each.order.orderRef) for each in everything} == {(7, "ours"), (8, "theirs"), (0, "")}
        (manual,) = [each for each in everything if each.order.permId == by_hand]
        assert manual.order.orderId == 0

        master.reqAutoOpenOrders(True)
        assert by_hand in {each.order.permId for each in await master.reqOpenOrdersAsync()}
        master.client.cancelOrder(-1)  # the id that it was bound to
        await eventually(lambda: any(order.state is OrderState.CANCELLED for order in tws.orders()))
        ours.reqAutoOpenOrders(True)
        await eventually(lambda: 327 in ours.codes)

        ours.reqGlobalCancel()
        await eventually(lambda: all(order.state is OrderState.CANCELLED for order in tws.orders()))


async def test_completed_orders_have_no_ids_of_a_client(tws, connected, eventually) -> None:
    async with connected(tws) as ib:
        trade = ib.placeOrder(await ib.stock(), MarketOrder("BUY", 3, orderRef="done"))
        await eventually(trade.isDone)
    async with connected(tws) as ib:
        (done,) = await ib.reqCompletedOrdersAsync(False)
        assert (done.order.orderRef, done.order.permId) == ("done", trade.order.permId)
        assert (done.order.orderId, done.order.clientId) == (0, 0)
        assert (done.orderStatus.status, done.order.filledQuantity) == ("Filled", 3.0)


async def test_executions_of_today_by_filter(tws, connected, eventually) -> None:
    async with connected(tws, 7) as ib, connected(tws, 8) as other:
        trades = [
            ib.placeOrder(await ib.stock(), MarketOrder("BUY", 3)),
            ib.placeOrder(await ib.stock("MSFT"), MarketOrder("SELL", 2)),
        ]
        trades.append(other.placeOrder(await other.stock("MSFT"), MarketOrder("BUY", 1)))
        await eventually(lambda: all(trade.isDone() for trade in trades))

        async def asked(**wanted):
            return [fill.execution.shares for fill in await other.reqExecutionsAsync(ExecutionFilter(**wanted))]

        assert await asked() == [3.0, 2.0, 1.0]
        assert await asked(symbol="MSFT") == [2.0, 1.0]
        assert await asked(side="BUY") == [3.0, 1.0]
        assert await asked(clientId=7) == [3.0, 2.0]
        assert await asked(time="20991231 00:00:00") == []
        tws.nightly_reset()
        assert await asked() == []
    assert len(tws.fills()) == 3


async def test_what_an_order_would_do(tws, connected) -> None:
    tws.price("AAPL", 200.0)
    async with connected(tws) as ib:
        state = await ib.whatIfOrderAsync(await ib.stock(), MarketOrder("BUY", 100))
        assert float(state.initMarginChange) == 5000.0
    assert not tws.orders()


async def test_several_accounts(make_tws, connected, eventually) -> None:
    tws = make_tws(accounts=["DU1111111", "DU2222222"], cash=50_000)
    async with connected(tws, account="DU1111111") as ib:
        assert ib.managedAccounts() == ["DU1111111", "DU2222222"]
        stock = await ib.stock()
        ib.placeOrder(stock, MarketOrder("BUY", 1))
        await eventually(lambda: 435 in ib.codes)
        trade = ib.placeOrder(stock, MarketOrder("BUY", 1, account="DU2222222"))
        await eventually(lambda: trade.isDone() and ib.positions())
        assert [(each.account, each.position) for each in ib.positions()] == [("DU2222222", 1.0)]
