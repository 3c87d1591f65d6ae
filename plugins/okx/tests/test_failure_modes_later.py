"""The failure modes of the study's table that can be at OKX, 15 to 24: detected, and recovered from."""

from __future__ import annotations

import asyncio
import gc

import pytest
from okx_kit import Ears, feeding, limit, listening, order, until
from structlog.testing import capture_logs

from ml4t.live.errors import (
    UNAUTHORIZED,
    WRONG_ACCOUNT_KIND,
    BrokerConnectionError,
    BrokerRefused,
    FeedDisconnected,
)
from ml4t_live_okx import line
from ml4t_live_okx.rig import broker_at, feed_at
from ml4t_live_okx.updates import fill_of

SWAP, SPOT = "ETH-USDT-SWAP", "ETH-USDT"


async def lost(running, error, words):
    with pytest.raises(error, match=words):
        await asyncio.wait_for(running, 60)


def test_15_before_an_upgrade_another_connection_takes_over_and_nothing_is_lost_or_doubled(venue):
    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, SPOT), ears) as running:
            await until(lambda: venue.subscriptions)
            happened = [venue.emit(SPOT, 100.0)]
            venue.announce_upgrade()
            async with asyncio.timeout(60):
                while venue.accepted < 2:
                    happened.append(venue.emit(SPOT, 101.0))
                    await asyncio.sleep(0.001)
                while venue.connections == 2:  # both are subscribed, and what one has told the other tells too
                    happened.append(venue.emit(SPOT, 102.0))
                    await asyncio.sleep(0.005)
            happened.append(venue.emit(SPOT, 103.0))
            await until(lambda: ears.events[-1].event_time == happened[-1])
            assert [each.event_time for each in ears.events] == happened
            assert venue.connections == 1
            assert not running.done()

    asyncio.run(run())


def test_15_what_the_old_connection_has_still_to_tell_is_read_before_it_is_closed(venue, monkeypatch):
    monkeypatch.setattr(line, "OVERLAP_SECONDS", 0.0)
    row = {"instId": SPOT, "px": "100", "sz": "1", "side": "buy", "ts": "1700000000123", "count": "1"}
    rows = [{**row, "tradeId": str(number)} for number in range(20_000)]

    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, SPOT, silence_seconds=10.0, timeout_seconds=10.0), ears):
            await until(lambda: venue.subscriptions)
            venue.announce_upgrade()
            venue.push_frames({"arg": {"channel": "trades", "instId": SPOT}, "data": [row]} for row in rows)
            await until(lambda: venue.accepted == 2)
            await until(lambda: venue.connections == 1)
            await until(lambda: len(ears.events) == len(rows))

    asyncio.run(run())


def test_15_an_upgrade_of_the_private_websocket_loses_no_execution(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = limit(quantity=1_000.0)
            await broker.submit(placed)
            venue.announce_upgrade()
            names = set()
            async with asyncio.timeout(60):
                while venue.accepted < 4:
                    names.add(venue.execute(placed.order_id, 0.1, 90.0))
                    await asyncio.sleep(0.001)
                while venue.connections > 2:
                    names.add(venue.execute(placed.order_id, 0.1, 90.0))
                    await asyncio.sleep(0.005)
            names.add(venue.execute(placed.order_id, 0.1, 90.0))
            await until(lambda: ears.booked.keys() == names)

    asyncio.run(run())


def test_15_an_upgrade_that_closes_at_once_is_a_loss_like_any_other(venue):
    async def run():
        running = asyncio.create_task(feed_at(venue, SPOT).run(Ears()))
        await until(lambda: venue.subscriptions)
        venue.announce_upgrade()
        venue.drop_announced(1)
        await lost(running, FeedDisconnected, "is lost")
        await until(lambda: not venue.connections)

    asyncio.run(run())


def test_15_a_connection_that_cannot_be_had_at_once_is_tried_again_while_the_old_one_goes_on(venue):
    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, SPOT), ears) as running:
            await until(lambda: venue.subscriptions)
            venue.refuse_connections(True)
            with capture_logs() as logs:
                venue.announce_upgrade()
                await until(lambda: any(log["event"] == "it cannot be had yet" for log in logs))
            happened = [venue.emit(SPOT, 100.0)]
            venue.refuse_connections(False)
            await until(lambda: venue.accepted == 2)
            await until(lambda: venue.connections == 1)
            happened.append(venue.emit(SPOT, 101.0))
            await until(lambda: len(ears.events) == 2)
            assert [each.event_time for each in ears.events] == happened
            assert not running.done()

    asyncio.run(run())


def test_16_what_is_remembered_does_not_grow_with_what_is_heard(venue):
    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, SPOT, silence_seconds=10.0), ears):
            await until(lambda: venue.subscriptions)
            counts = []
            for _ in range(3):
                for _ in range(2_000):
                    venue.emit(SPOT, 100.0)
                await until(lambda: len(ears.events) == 2_000)
                ears.events.clear()
                gc.collect()
                counts.append(len(gc.get_objects()))
            assert counts[2] - counts[1] < 500 + 10 * 2_000  # the simulator's tape grows by one record a trade

    asyncio.run(run())


def test_17_a_contract_that_has_expired_is_named_and_not_listened_to(venue):
    async def run():
        with capture_logs() as logs:
            async with feeding(feed_at(venue, SPOT, "BTC-USDT-200327"), Ears()):
                await until(lambda: venue.subscriptions == {SPOT})
        (told,) = [log for log in logs if log["event"] == "these symbols do not trade at OKX"]
        assert told["why"] == ["BTC-USDT-200327 has expired; name the next one"]

    asyncio.run(run())


def test_18_times_are_those_of_the_venue_in_nanoseconds(venue):
    async def run():
        ears = Ears()
        async with feeding(feed_at(venue, SPOT), ears):
            await until(lambda: venue.subscriptions)
            venue.push(
                "trades", SPOT, {"instId": SPOT, "tradeId": "7", "px": "1", "sz": "2", "side": "buy", "ts": "1700000000123"}
            )
            await until(lambda: ears.events)
            assert ears.events[0].event_time == 1_700_000_000_123_000_007

    asyncio.run(run())


@pytest.mark.parametrize(
    ("quantity", "price", "size", "put"),
    [(0.0199, 90.126, "0.19", "90.13"), (10.0099, 90.0, "100.09", "90"), (0.00199, 90.0, "0.01", "90")],
)
def test_19_quantities_are_cut_to_the_lot_and_prices_put_on_the_grid(venue, quantity, price, size, put):
    async def run():
        async with listening(venue) as (broker, _):
            await broker.submit(limit(quantity=quantity, price=price))
            ((there,),) = [venue.bodies()]
            assert (there["sz"], there["px"]) == (size, put)

    asyncio.run(run())


def test_19_less_than_okx_trades_is_refused_before_it_is_sent(venue):
    async def run():
        async with listening(venue) as (broker, _):
            with pytest.raises(BrokerRefused, match=f"0.0009 ETH of {SWAP} is less than OKX trades, which is 0.001"):
                await broker.submit(limit(quantity=0.0009))
            assert venue.requests == 0

    asyncio.run(run())


def test_20_a_fee_in_a_third_currency_is_not_known(venue):
    async def run():
        async with listening(venue) as (broker, _):
            placed = limit()
            await broker.submit(placed)
            venue.execute(placed.order_id, 10.0, 90.0, commission=0.5)
            (fill,) = (await broker.snapshot(0)).fills
            assert fill.commission == 0.5
            bill = {"instId": SWAP, "tradeId": "1", "ordId": "2", "clOrdId": "", "billId": "3", "fillPx": "90", "fillSz": "1"}
            bill |= {"side": "buy", "feeCcy": "OKB", "fee": "-0.5", "ts": "1700000000000"}
            fee = fill_of(bill, await broker._listing(broker._session, SWAP), "account", "id").commission
            assert fee == 0.0

    asyncio.run(run())


def test_20_a_rebate_is_a_fee_below_zero(venue):
    async def run():
        async with listening(venue) as (broker, ears):
            placed = limit()
            await broker.submit(placed)
            venue.execute(placed.order_id, 10.0, 90.0, commission=-0.5)
            await until(lambda: ears.fills)
            assert ears.fills[0].commission == -0.5

    asyncio.run(run())


def test_21_a_wrong_key_is_refused_by_the_first_request(venue):
    async def run():
        for name, words in {"api_key": "check api_key", "secret_key": "check secret_key", "passphrase": "chosen when"}.items():
            with pytest.raises(BrokerRefused, match=words) as refused:
                await broker_at(venue, **{name: "wrong"}).connect()
            assert refused.value.code == UNAUTHORIZED
        with pytest.raises(BrokerRefused, match="set demo = true for keys of demo trading"):
            await broker_at(venue, demo=False).connect()
        assert venue.connections == 0

    asyncio.run(run())


def test_21_a_websocket_that_refuses_the_login_is_no_loss(venue):
    async def run():
        key, secret, _ = venue.keys
        venue._okx.sockets._credentials = (key, secret, "another")
        with pytest.raises(BrokerRefused, match=r"Wrong passphrase \(60024\); check passphrase") as refused:
            await broker_at(venue).connect()
        assert refused.value.code == UNAUTHORIZED
        await until(lambda: not venue.connections)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("said", "words", "code"),
    [
        ({"acctLv": "1", "perm": "trade"}, "is in spot mode and products names swap", WRONG_ACCOUNT_KIND),
        ({"acctLv": "2", "perm": "read_only"}, "may not trade; give it that permission", UNAUTHORIZED),
    ],
)
def test_21_an_account_that_cannot_trade_what_is_configured_is_refused(venue, said, words, code):
    async def run():
        config = {"uid": "1", "posMode": "net_mode", "feeType": "1", **said}
        venue.answer_next("account/config", {"code": "0", "msg": "", "data": [config]})
        with pytest.raises(BrokerRefused, match=words) as refused:
            await broker_at(venue, products=("swap",)).connect()
        assert refused.value.code == code

    asyncio.run(run())


def test_22_with_margin_of_many_currencies_what_is_borrowed_is_a_balance(venue):
    async def run():
        config = {"uid": "1", "acctLv": "3", "posMode": "net_mode", "feeType": "1", "perm": "trade"}
        details = [{"ccy": "USDT", "cashBal": "1200", "eq": "1200", "eqUsd": "1200"}, {"ccy": "ETH", "cashBal": "-2"}]
        venue.answer_next("account/config", {"code": "0", "msg": "", "data": [config]})
        venue.answer_next("account/balance", {"code": "0", "msg": "", "data": [{"totalEq": "1000", "details": details}]})
        broker = broker_at(venue, products=("margin",))
        snapshot = await broker.connect()
        assert [(each.symbol, each.quantity) for each in snapshot.positions] == [(SPOT, -2.0)]
        assert (snapshot.account.cash, snapshot.account.equity) == (1200.0, 1000.0)
        await broker.close()

    asyncio.run(run())


@pytest.mark.parametrize("path", ["account/balance", "account/positions", "trade/orders-pending", "trade/fills"])
def test_22_a_part_of_the_account_that_cannot_be_had_is_no_snapshot(venue, path):
    async def run():
        unavailable = {"code": "50001", "msg": "Service temporarily unavailable. Try again later.", "data": []}
        venue.answer_next(path, unavailable, status=503, stays=True)
        with pytest.raises(
            BrokerConnectionError, match=r"\(50001\); OKX is under maintenance or overloaded; it is tried again"
        ):
            await broker_at(venue).connect()
        venue.answer_again()
        broker = broker_at(venue)
        await broker.connect()
        await broker.close()

    asyncio.run(run())


def test_22_an_account_of_many_pages_is_read_whole(venue):
    async def run():
        venue.page_history(4)
        async with listening(venue) as (broker, _):
            for number in range(11):
                await broker.submit(limit(f"n{number:02}x", 1.0))
                venue.execute(limit(f"n{number:02}x").order_id, 0.5, 90.0)
            snapshot = await broker.snapshot(0)
            assert len(snapshot.orders) == len({fill.order_id for fill in snapshot.fills}) == 11

    asyncio.run(run())


def test_23_a_message_that_cannot_be_read_costs_no_other(venue):
    async def run():
        ears = Ears()
        good = {"instId": SPOT, "px": "1", "sz": "2", "side": "buy", "ts": "1700000000123"}
        with capture_logs() as logs:
            async with feeding(feed_at(venue, SPOT), ears) as running:
                await until(lambda: venue.subscriptions)
                venue.push("trades", SPOT, {**good, "tradeId": "1"})
                venue.push("trades", SPOT, {**good, "tradeId": "2", "px": "one"})
                venue.push("trades", SPOT, {**good, "tradeId": "3"})
                await until(lambda: len(ears.events) == 2)
                assert not running.done()
        assert [log["event"] for log in logs] == ["a message cannot be read"]

    asyncio.run(run())


@pytest.mark.parametrize(("seconds", "side"), [(40, "behind"), (-40, "ahead of")])
def test_24_a_clock_that_is_forty_seconds_wrong_is_told_of_and_nothing_runs(venue, seconds, side):
    async def run():
        venue.skew_clock(seconds)
        words = rf"this machine's clock is (39|40)\.\d s {side} OKX's; set it \(NTP\)"
        with pytest.raises(BrokerConnectionError, match=words):
            await broker_at(venue).connect()
        with pytest.raises(FeedDisconnected, match=words):
            await feed_at(venue, SPOT).run(Ears())

    asyncio.run(run())


def test_24_a_clock_that_is_three_seconds_wrong_is_warned_of(venue):
    async def run():
        venue.skew_clock(3)
        with capture_logs() as logs:
            async with listening(venue):
                pass
        assert [log["side"] for log in logs if log["event"] == "this machine's clock is wrong"] == ["behind OKX's"]

    asyncio.run(run())


def test_24_a_time_that_okx_refuses_later_on_is_a_loss_with_the_remedy(venue):
    async def run():
        async with listening(venue) as (broker, _):
            venue.skew_clock(40)
            with pytest.raises(BrokerConnectionError, match=r"Timestamp request expired \(50102\); .* set it \(NTP\)"):
                await broker.snapshot(0)
            with pytest.raises(BrokerRefused, match=r"\(50102\)"):
                await broker.submit(order(symbol=SPOT))
            assert not venue.orders()

    asyncio.run(run())
