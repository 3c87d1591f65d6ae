"""The traps of crypto exchanges and of OKX, each by its number in the study that found them: natively none is left open."""

from __future__ import annotations

import asyncio

import pytest
from okx_rig import WRONG, Ears, broker_at, feed_at, feeding, limit, listening, order, still, until

from ml4t.live.errors import BrokerConnectionError, BrokerRefused, FeedDisconnected, OutcomeUnknown
from ml4t.live.model import OrderSide, OrderState, Terms, TimeInForce
from ml4t_live_okx.simulator.faults import Loss
from ml4t_live_okx.simulator.sockets import Sockets

SWAP, SPOT, BTC = "ETH-USDT-SWAP", "ETH-USDT", "BTC-USDT"
MINUTE = 60_000


@pytest.mark.parametrize("reset", [False, True])
def test_c1_a_lost_stream_is_told_of_and_what_was_missed_can_be_had(venue, reset):
    async def run():
        feed, ears = feed_at(venue, SPOT), Ears()
        running = asyncio.create_task(feed.run(ears))
        await until(lambda: venue.subscriptions)
        first = venue.emit(SPOT, 100.0)
        await until(lambda: ears.events)
        venue.drop(reset=reset)
        with pytest.raises(FeedDisconnected):
            await asyncio.wait_for(running, 5)
        missed = [venue.emit(SPOT, 101.0 + number) for number in range(250)]
        found = list(await feed.backfill(SPOT, first + 1, missed[-1] + 1))
        assert [trade.event_time for trade in found] == missed
        assert all(trade.backfilled for trade in found)

    asyncio.run(run())


def test_c2_a_bar_is_told_once_when_it_is_complete(venue):
    async def run():
        feed, ears = feed_at(venue, SPOT, data_type="bars"), Ears()
        async with feeding(feed, ears):
            await until(lambda: venue.subscriptions)
            row = [str(29 * MINUTE), "1", "3", "0.5", "2", "10", "20", "20"]
            venue.push("candle1m", SPOT, [*row, "0"])
            venue.push("candle1m", SPOT, [*row, "1"])
            venue.push("candle1m", SPOT, [*row, "1"])
            venue.push("candle1m", SPOT, [str(30 * MINUTE), *row[1:], "1"])
            await until(lambda: len(ears.events) == 2)
            (bar, after) = ears.events
            assert (bar.event_time, bar.interval, bar.complete) == (29 * MINUTE * 10**6, 60 * 10**9, True)
            assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (1.0, 3.0, 0.5, 2.0, 10.0)
            assert after.event_time == bar.end_time

    asyncio.run(run())


def test_c3_every_state_of_an_order_is_told_and_none_changes_afterwards(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = limit()
            await broker.submit(placed)
            venue.execute(placed.order_id, 4.0, 90.0)
            venue.execute(placed.order_id, 6.0, 90.0)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            told = [(update.state, update.filled_quantity) for update in ears.updates]
            assert told == [(OrderState.WORKING, 0.0), (OrderState.PARTIALLY_FILLED, 4.0), (OrderState.FILLED, 10.0)]

    asyncio.run(run())


def test_c4_an_execution_told_twice_has_one_id(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = limit()
            await broker.submit(placed)
            execution = venue.execute(placed.order_id, 4.0, 90.0)
            venue.repeat(execution)
            await until(lambda: len(ears.fills) == 2)
            assert list(ears.booked) == [execution]
            assert list(ears.booked) == [fill.execution_id for fill in (await broker.snapshot(0)).fills]

    asyncio.run(run())


@pytest.mark.parametrize("in_quote", [True, False])
def test_c5_a_fee_that_was_paid_is_positive_and_in_money_on_the_stream_and_in_a_snapshot(in_quote):
    async def run():
        with still(fee=0.001, fee_in_quote=in_quote) as venue:
            async with listening(venue) as (broker, ears):
                await broker.submit(order(symbol=SPOT))
                await until(lambda: ears.fills)
                (again,) = (await broker.snapshot(0)).fills
                assert ears.fills[0].commission == again.commission == pytest.approx(1.0)

    asyncio.run(run())


@pytest.mark.parametrize("how", [Loss.ANSWER, Loss.SILENCE, Loss.GATEWAY])
def test_c6_an_order_without_an_answer_is_unknown_and_found_by_our_id(venue, how):
    async def run():
        async with listening(venue) as (broker, _):
            venue.lose_next_answer(how)
            placed = limit()
            with pytest.raises(OutcomeUnknown):
                await broker.submit(placed)
            assert venue.requests == 1
            found = await broker.find(placed)
            assert (found.order_id, found.state) == (placed.order_id, OrderState.WORKING)

    asyncio.run(run())


def test_c7_the_client_order_id_is_ours_and_no_tag_is_added(venue):
    async def run():
        async with listening(venue) as (broker, _):
            placed = limit()
            await broker.submit(placed)
            assert [(each["clOrdId"], each["tag"]) for each in venue.bodies()] == [(placed.order_id, "")]

    asyncio.run(run())


def test_c8_a_bad_symbol_costs_no_other(venue):
    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, "NOSUCH-USDT", "lower-case", SPOT, "BTC-USDT-200327"), ears):
            await until(lambda: venue.subscriptions == {SPOT})
            venue.emit(SPOT, 100.0)
            await until(lambda: ears.events)

    asyncio.run(run())


def test_c8_a_subscription_that_is_refused_costs_no_other(venue, monkeypatch):
    """The symbol is listed, and its channel refused all the same: 60018 names it, and the others are heard."""
    knows = Sockets._subscribe

    def refuse_one(self, client, arg):
        if arg.get("instId") == BTC:
            self._fail(client, "60018", f"Wrong URL or channel:trades,instId:{BTC} doesn't exist.")
        else:
            knows(self, client, arg)

    monkeypatch.setattr(Sockets, "_subscribe", refuse_one)

    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, BTC, SPOT), ears):
            await until(lambda: venue.subscriptions == {SPOT})
            venue.emit(SPOT, 100.0)
            await until(lambda: ears.events)

    asyncio.run(run())


def test_c9_a_stream_that_answers_no_ping_is_found_dead(venue):
    async def run():
        feed = feed_at(venue, SPOT, silence_seconds=0.4)
        running = asyncio.create_task(feed.run(Ears()))
        await until(lambda: venue.subscriptions)
        venue.ignore_pings(True)
        venue.mute(True)
        with pytest.raises(FeedDisconnected, match=r"has said nothing for 0.4 s, although asked"):
            await asyncio.wait_for(running, 10)
        venue.mute(False)

    asyncio.run(run())


def test_c9_a_stream_that_answers_pings_and_is_mute_is_found_dead(venue):
    async def run():
        broker = broker_at(venue)
        await broker.connect()
        feed = asyncio.create_task(feed_at(venue, SPOT).run(Ears()))
        stream = asyncio.create_task(broker.run(Ears()))
        await until(lambda: venue.connections == 3 and venue.subscriptions)
        venue.mute(True)
        with pytest.raises(FeedDisconnected, match="although asked"):
            await asyncio.wait_for(feed, 10)
        with pytest.raises(BrokerConnectionError, match="although asked"):
            await asyncio.wait_for(stream, 10)
        venue.mute(False)
        await broker.close()

    asyncio.run(run())


def test_c9_a_quiet_stream_is_asked_and_stays(venue):
    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, SPOT, silence_seconds=0.2), ears) as running:
            await until(lambda: ears.answers >= 5)
            assert not running.done()

    asyncio.run(run())


def test_c10_more_than_a_thousand_trades_at_once_are_all_heard(venue):
    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, SPOT, silence_seconds=10.0), ears):
            await until(lambda: venue.subscriptions)
            happened = [venue.emit(SPOT, 100.0)]
            await until(lambda: ears.events)
            happened += [venue.emit(SPOT, 100.0 + number % 7) for number in range(3_000)]  # the loop does not turn meanwhile
            await until(lambda: len(ears.events) == len(happened), 30)
            assert [trade.event_time for trade in ears.events] == happened

    asyncio.run(run())


def test_c12_a_close_leaves_nothing_open(venue):
    async def run():
        async with listening(venue):
            assert venue.connections == 2
        await until(lambda: venue.connections == 0)

    asyncio.run(run())


def test_c13_a_quantity_is_cut_and_never_rounded_up(venue):
    async def run():
        async with listening(venue) as (broker, _):
            await broker.submit(limit("a", 1.2399, 90.004, symbol=SWAP))
            await broker.submit(limit("b", 0.1234567, 90.006, symbol=SPOT))
            assert [(each["sz"], each["px"]) for each in venue.bodies()] == [("12.39", "90"), ("0.123456", "90.01")]

    asyncio.run(run())


def test_a_market_purchase_on_spot_is_for_coins(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = order(quantity=2.0, symbol=SPOT)
            await broker.submit(placed)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            assert venue.positions() == {SPOT: 2.0}

    asyncio.run(run())


def test_a_contract_is_counted_in_coins_here_and_in_contracts_there(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = order(quantity=2.5)
            await broker.submit(placed)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            assert venue.bodies()[0]["sz"] == "25"
            assert [fill.quantity for fill in ears.fills] == [2.5]
            snapshot = await broker.snapshot(0)
            assert [(each.symbol, each.quantity, each.average_price) for each in snapshot.positions] == [(SWAP, 2.5, 100.0)]
            assert snapshot.account.cash == 1_000_000 - 250
            assert snapshot.account.equity == 1_000_000

    asyncio.run(run())


def test_a_quantity_of_an_amendment_is_the_whole_of_it(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = limit()
            await broker.submit(placed)
            venue.execute(placed.order_id, 4.0, 90.0)
            await broker.replace(placed.changed(filled_quantity=4.0), quantity=8.0, limit_price=91.0, stop_price=None)
            await until(lambda: ears.updates[-1].terms == Terms(8.0, 91.0))
            assert [(each.quantity, each.filled_quantity) for each in venue.orders()] == [(8.0, 4.0)]

    asyncio.run(run())


def test_orders_of_one_turn_are_one_request_and_each_has_its_answer(venue):
    async def run():
        async with listening(venue) as (broker, _):
            await broker.submit(limit("first"))  # and so the instrument is known
            good = [limit(f"g{number:02}x", 1.0) for number in range(25)]
            bad = limit("bad", 10_000_000.0)
            answers = await asyncio.gather(*(broker.submit(each) for each in [*good, bad]), return_exceptions=True)
            assert venue.requests == 3  # twenty go with one
            assert isinstance(answers[-1], BrokerRefused)
            assert "Insufficient USDT balance" in str(answers[-1])
            there = {each.order_id: each.venue_order_id for each in venue.orders()}
            assert list(answers[:-1]) == [there[each.order_id] for each in good]
            await asyncio.gather(*(broker.cancel(each) for each in good))
            assert venue.requests == 5
            assert [each.order_id for each in venue.orders() if each.is_open] == [limit("first").order_id]

    asyncio.run(run())


@pytest.mark.parametrize("loss", [Loss.ANSWER, Loss.REQUEST])
def test_a_batch_without_an_answer_leaves_every_order_of_it_unknown(venue, loss):
    async def run():
        async with listening(venue) as (broker, _):
            await broker.submit(limit("first"))
            venue.lose_next_answer(loss)
            answers = await asyncio.gather(broker.submit(limit("a")), broker.submit(limit("b")), return_exceptions=True)
            assert [type(each) for each in answers] == [OutcomeUnknown, OutcomeUnknown]
            assert venue.requests == 2

    asyncio.run(run())


def test_in_the_long_short_mode_an_order_closes_before_it_opens():
    async def run():
        with still(position_mode="long_short_mode") as venue:
            async with listening(venue) as (broker, ears):
                sides = [OrderSide.BUY, OrderSide.SELL, OrderSide.SELL, OrderSide.SELL, OrderSide.BUY]
                for number, (side, quantity) in enumerate(zip(sides, (3.0, 1.0, 2.0, 5.0, 4.0), strict=True)):
                    placed = order(f"p{number}", quantity, side=side)
                    await broker.submit(placed)
                    await until(lambda placed=placed: ears.state(placed) is OrderState.FILLED)
                assert [each["posSide"] for each in venue.bodies()] == ["long", "long", "long", "short", "short"]
                assert venue.positions() == {SWAP: -1.0}
                assert [each.quantity for each in (await broker.snapshot(0)).positions] == [-1.0]
                with pytest.raises(BrokerRefused, match="trade 1 first, or set the position mode to net_mode"):
                    await broker.submit(order("cross", 2.0))

    asyncio.run(run())


def test_margin_is_borrowed_and_a_short_is_negative(venue):
    async def run():
        async with listening(venue, products=("margin",)) as (broker, ears):
            placed = limit("short", 2.0, 99.0, symbol=SPOT, side=OrderSide.SELL)
            await broker.submit(placed)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            assert venue.bodies()[0]["tdMode"] == "cross"
            assert [(each.symbol, each.quantity) for each in (await broker.snapshot(0)).positions] == [(SPOT, -2.0)]
            with pytest.raises(BrokerRefused, match="use a limit order with time in force ioc"):
                await broker.submit(order("buy", 1.0, symbol=SPOT))
            back = limit("back", 3.0, 101.0, symbol=SPOT, time_in_force=TimeInForce.IOC)
            await broker.submit(back)
            await until(lambda: ears.state(back) is OrderState.FILLED)
            assert [each.quantity for each in (await broker.snapshot(0)).positions] == [1.0]

    asyncio.run(run())


def test_futures_are_traded_like_swaps(venue):
    async def run():
        (future,) = [each.id for each in venue.listed.values() if each.kind == "FUTURES" and each.state == "live"]
        async with listening(venue) as (broker, ears):
            placed = order(quantity=0.5, symbol=future)
            await broker.submit(placed)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            assert venue.positions() == {future: 0.5}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (order(symbol="BTC-USD-SWAP"), "inverse contract, whose profit is in BTC; trade the linear one, BTC-USDT-SWAP"),
        (order(symbol="BTC-USDT-200327"), "has expired; name the next one"),
        (order(symbol="NOSUCH-USDT"), "OKX does not know NOSUCH-USDT; write spot as BTC-USDT"),
        (order(quantity=0.0001), "is less than OKX trades, which is 0.001"),
        (order(time_in_force=TimeInForce.FOK), "use a limit order"),
        (order(symbol=SPOT, side=OrderSide.SELL), "Insufficient ETH balance in account"),
    ],
)
def test_what_okx_does_not_trade_is_refused_with_the_remedy(venue, refused, words):
    async def run():
        async with listening(venue) as (broker, _):
            with pytest.raises(BrokerRefused, match=words):
                await broker.submit(refused)
            assert not venue.orders()

    asyncio.run(run())


def test_what_products_does_not_name_is_refused_and_not_looked_at(venue):
    async def run():
        async with listening(venue, products=("spot",)) as (spot, heard), listening(venue) as (all_of_it, ears):
            with pytest.raises(BrokerRefused, match="is swap, which products does not name; add it there"):
                await spot.submit(order())
            placed = order("other")
            await all_of_it.submit(placed)
            await until(lambda: ears.state(placed) is OrderState.FILLED)
            mine = order("mine", symbol=SPOT)
            await spot.submit(mine)
            await until(lambda: heard.state(mine) is OrderState.FILLED)
            assert {fill.order_id for fill in heard.fills} == {mine.order_id}
            snapshot = await spot.snapshot(0)
            assert [each.symbol for each in snapshot.positions] == [SPOT]
            assert [fill.order_id for fill in snapshot.fills] == [mine.order_id]

    asyncio.run(run())


def test_no_key_is_in_a_repr(venue):
    keys = [*venue.keys, WRONG]
    assert not any(key in repr(broker_at(venue)._config) for key in keys)
