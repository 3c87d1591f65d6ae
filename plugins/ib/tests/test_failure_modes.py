"""The failures that other systems have had with their vendors, as far as they can be at IB: one test each, by their numbers.

Not at IB: 15 (a planned close that is announced: IB announces none but 1300, which is tested here as 2), 16 (memory of another
SDK). Number 19 has more tests in `test_rules.py`.
"""

from __future__ import annotations

import asyncio
import re
import time

import pytest
from ib_async import IB, CommissionReport, LimitOrder, Stock
from ib_line import Ear, connected, listening, order, until
from structlog.testing import capture_logs

from ml4t.live.errors import BrokerConnectionError, BrokerRefused, FeedDisconnected, FeedRefused, OutcomeUnknown
from ml4t.live.model import Bar, OrderState, OrderType, Trade
from ml4t.live.testing.chaos import ChaosProxy
from ml4t.live.times import NANOS
from ml4t_live_ib.broker import IBBroker
from ml4t_live_ib.contracts import Listed
from ml4t_live_ib.executions import Executions
from ml4t_live_ib.instruments import to_contract
from ml4t_live_ib.pacing import PENALTY_SECONDS, Pacer
from ml4t_live_ib.rig import QUICK, Rig
from ml4t_live_ib.rules import Rules
from ml4t_live_ib.stall import StallWatch

S = OrderState
MARKET = {"order_type": OrderType.MARKET, "limit_price": None}


# --- 1: connected but mute


async def test_failure_01_a_broker_that_hears_nothing_asks_and_gives_the_line_up(tws):
    with ChaosProxy(tws.address) as proxy:
        async with connected(tws, port=proxy.address[1]) as line:
            proxy.freeze()
            await until(line.stream.done)
            assert isinstance(line.stream.exception(), BrokerConnectionError)


async def test_failure_01_a_feed_whose_data_stay_away_begins_anew_although_tws_answers(tws):
    async with listening(tws, "AAPL", stall_seconds=0.5) as ear:
        tws.stall_data(True)
        error = await ear.until_lost()
        assert isinstance(error, FeedDisconnected)
        assert "although AAPL trade by IB's calendar" in str(error)
        assert ear.signs_of_life, "until then TWS had answered"


def test_failure_01_outside_of_regular_hours_silence_is_no_stall():
    now = [0.0]
    watch = StallWatch(60.0, now=lambda: now[0], wall=lambda: now[0])
    closed, opens = listed("CLOSED", (-7_200.0, -3_600.0)), listed("OPENS", (1_000.0, 2_000.0))
    watch.begin()
    now[0] = 900.0
    assert watch.complaint([closed, opens, listed("UNKNOWN")]) == ""
    now[0] = 1_030.0
    assert watch.complaint([opens]) == "", "it has only just begun to trade"
    now[0] = 1_061.0
    assert "OPENS trade by IB's calendar" in watch.complaint([closed, opens])
    watch.heard([Trade("OPENS", 1, 1.0, 1.0)])
    assert watch.complaint([opens]) == ""


# --- 2: subscriptions lost after a reconnect or the nightly reset


@pytest.mark.parametrize("data_kept", [False, True])
async def test_failure_02_after_an_outage_every_subscription_begins_anew_whatever_tws_kept(tws, data_kept):
    async with listening(tws, "AAPL", "MSFT") as ear:
        tws.lose_link()
        tws.restore_link(data_kept=data_kept, stalled=data_kept)
        assert isinstance(await ear.until_lost(), FeedDisconnected)
    tws.stall_data(False)
    async with listening(tws, "AAPL", "MSFT", feed=ear.feed) as again:
        moment = tws.emit("MSFT", 101.0)
        await until(lambda: [event.event_time for event in again.of("MSFT")] == [moment])


async def test_failure_02_the_nightly_reset_ends_nothing_but_the_orders_of_the_day(tws):
    async with connected(tws) as line, listening(tws, "AAPL") as ear:
        await line.broker.submit(placed := order())
        tws.nightly_reset()
        await until(lambda: line.availability and line.availability[-1] == "")
        assert line.availability[0].startswith("IB 1100")
        await line.until_state(placed, S.CANCELLED)
        assert isinstance(await ear.until_lost(), FeedDisconnected)
        assert (await line.broker.snapshot(0)).orders == []
        assert not line.stream.done()


def test_failure_02_a_symbol_that_does_not_come_back_is_missed_once():
    now = [0.0]
    watch = StallWatch(60.0, now=lambda: now[0], wall=lambda: now[0])
    both = [listed(symbol, (-1_000.0, 1_000.0)) for symbol in ("AAPL", "MSFT")]
    watch.begin()
    watch.heard([Trade("AAPL", 1, 1.0, 1.0), Trade("MSFT", 1, 1.0, 1.0)])
    watch.begin()
    now[0] = 61.0
    watch.heard([Trade("AAPL", 1, 1.0, 1.0)])
    assert watch.complaint(both) == "MSFT not heard again since the last reconnect"
    assert watch.complaint(both) == "", "it may be halted"


@pytest.mark.parametrize("code", [10182, 10225])
async def test_failure_02_a_subscription_that_ends_leaves_no_hole_that_nobody_knows_of(tws, code):
    async with listening(tws, "AAPL", "MSFT") as ear:
        tws.end_subscriptions("AAPL", code, "Subscription deactivated.")
        assert isinstance(await ear.until_lost(), FeedDisconnected)


async def test_failure_02_another_port_is_followed(tws):
    async with connected(tws) as line:
        tws.change_port()
        await until(line.stream.done)
        async with connected(tws, broker=line.broker) as again:
            assert again.snapshot.account.account == "DU1234567"


# --- 3: a reconnect leaves a hole in the data


@pytest.mark.parametrize("data", ["bars", "updating_bars", "trades"])
async def test_failure_03_what_was_missed_is_fetched_and_flagged(tws, data):
    async with listening(tws, "AAPL", data=data, bar_size="5 secs") as ear:
        first = tws.emit("AAPL", 100.0)
        missed = [tws.emit("AAPL", price) for price in (101.0, 102.0, 103.0)]
        last = tws.emit("AAPL", 104.0)
        fetched = list(await ear.feed.backfill("AAPL", first + 5 * NANOS, last))
        assert [event.event_time for event in fetched] == missed
        assert all(event.backfilled for event in fetched)
        prices = [event.close if isinstance(event, Bar) else event.price for event in fetched]
        assert prices == [101.0, 102.0, 103.0]


# --- 4 and 5: executions while away, and executions twice


async def test_failure_04_executions_while_away_are_in_the_snapshot_of_the_reconnect(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        tws.drop(reset=True)
        execution = tws.execute(placed.order_id, 10.0, 50.0)
        await until(line.stream.done)
        async with connected(tws, broker=line.broker) as again:
            assert [fill.execution_id for fill in again.snapshot.fills] == [execution]
            assert (await again.broker.find(placed)).state is S.FILLED


async def test_failure_05_an_execution_that_comes_twice_has_one_id(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        execution = tws.execute(placed.order_id, 4.0, 50.0)
        tws.repeat(execution)
        await until(lambda: len(line.fills) > 1)
        assert {fill.execution_id for fill in line.fills} == {execution}
        (there,) = (await line.broker.snapshot(0)).fills
        assert there.quantity == 4.0
        assert (await line.broker.find(placed)).filled_quantity == 4.0


# --- 6: the outcome of an order is unknown


async def test_failure_06_a_line_that_breaks_under_an_order_leaves_its_outcome_unknown(tws):
    async with connected(tws) as line:
        tws.lose_next_answer()
        sending = asyncio.get_running_loop().create_task(line.broker.submit(placed := order()))
        await until(tws.orders)
        tws.drop(reset=True)
        with pytest.raises(OutcomeUnknown):
            await sending
        async with connected(tws, broker=line.broker) as again:
            assert (await again.broker.find(placed)).state is S.WORKING
            await again.broker.submit(placed)
            assert len(tws.orders()) == 1


async def test_failure_06_an_order_that_never_arrived_is_known_not_to_be_there(tws):
    async with connected(tws) as line:
        tws.lose_next_request()
        sending = asyncio.get_running_loop().create_task(line.broker.submit(placed := order()))
        await until(lambda: tws.requests)
        tws.drop()
        with pytest.raises(OutcomeUnknown):
            await sending
        async with connected(tws, broker=line.broker) as again:
            assert await again.broker.find(placed) is None


async def test_failure_06_during_an_outage_nobody_says_that_an_order_is_not_there(tws):
    async with connected(tws) as line:
        tws.lose_link()
        await until(lambda: line.availability)
        with pytest.raises(OutcomeUnknown, match="IB cannot be asked"):
            await line.broker.find(order())


# --- 7: two live orders that are one


async def test_failure_07_a_second_order_under_one_name_is_shown_as_foreign_and_withdrawn(tws):
    async with connected(tws) as line:
        first = await line.broker.submit(placed := order())
    await doubled(tws, placed.order_id)
    assert len([each for each in tws.orders() if each.is_open]) == 2
    with capture_logs() as entries:
        async with connected(tws) as line:
            shown = {each.venue_order_id: each.order_id for each in line.snapshot.orders}
            assert shown.pop(first) == placed.order_id
            assert list(shown.values()) == [""]
            await until(lambda: len([each for each in tws.orders() if each.is_open]) == 1)
    assert any("twice" in entry["event"] for entry in entries)
    (left,) = [each for each in tws.orders() if each.is_open]
    assert left.venue_order_id == first


async def doubled(tws, order_id: str) -> None:
    """Work a second order under the name of another, as an outage in the middle of a change has done."""
    ib = IB()
    await ib.connectAsync(*tws.address, clientId=1, timeout=60)
    try:
        (stock,) = await ib.qualifyContractsAsync(Stock("AAPL", "SMART", "USD"))
        trade = ib.placeOrder(stock, LimitOrder("BUY", 10, 49.0, orderRef=order_id))
        await until(lambda: trade.orderStatus.status == "Submitted")
    finally:
        ib.disconnect()


# --- 8: a cancel that is none


async def test_failure_08_a_refused_cancel_is_no_cancel(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        tws.refuse_next_cancel(161, "Cancel attempted when order is not in a cancellable state.")
        await line.broker.cancel(placed)
        tws.execute(placed.order_id, 10.0, 50.0)
        await line.until_state(placed, S.FILLED)
        assert S.CANCELLED not in line.states(placed)


async def test_failure_08_an_unknown_code_ends_no_order(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        tws.send_order_error(placed.order_id, 10999, "A code of next year.")
        tws.execute(placed.order_id, 10.0, 50.0)
        await line.until_state(placed, S.FILLED)
        assert all(state in {S.WORKING, S.FILLED} for state in line.states(placed))


async def test_failure_08_a_refused_change_leaves_the_order_as_it_was(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        tws.refuse_next_change(201, "Change refused")
        with pytest.raises(BrokerRefused, match="Change refused"):
            await line.broker.replace(placed, quantity=10.0, limit_price=49.0, stop_price=None)
        assert (await line.broker.find(placed)).state is S.WORKING
        assert tws.orders()[0].limit_price == 50.0


# --- 9: order ids collide or go back


async def test_failure_09_ids_of_another_session_are_not_taken_for_ours(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        tws.restart(forget_ids=True)
        await until(line.stream.done)
        async with connected(tws, broker=line.broker) as again:
            await again.broker.submit(another := order(limit_price=40.0))
            await again.broker.cancel(another)
            await again.until_state(another, S.CANCELLED)
            assert (await again.broker.find(placed)).state is S.WORKING
            assert S.CANCELLED not in again.states(placed)


# --- 10: no gate in the window of a restart


@pytest.mark.parametrize("code", [1100, 2110])
async def test_failure_10_tws_says_in_two_ways_that_it_is_cut_off(tws, code):
    async with connected(tws) as line:
        tws.send_error(code, "Connectivity between Trader Workstation and server is broken.")
        await until(lambda: line.availability)
        with pytest.raises(BrokerRefused, match=f"nothing was sent: IB {code}"):
            await line.broker.submit(order())


async def test_failure_10_nothing_is_sent_while_tws_is_cut_off_from_ib(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        arrived = tws.requests
        tws.lose_link()
        await until(lambda: line.availability)
        with pytest.raises(BrokerRefused, match="nothing was sent: IB 1100"):
            await line.broker.submit(order())
        with pytest.raises(BrokerRefused, match="nothing was sent: IB 1100"):
            await line.broker.replace(placed, quantity=5.0, limit_price=50.0, stop_price=None)
        assert tws.requests == arrived
        tws.restore_link(data_kept=True)
        await until(lambda: line.availability[-1] == "")
        assert await line.broker.submit(order())


async def test_failure_10_nothing_is_sent_without_a_connection(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        tws.drop()
        await until(line.stream.done)
        arrived = tws.requests
        for attempt in (line.broker.submit(order()), line.broker.cancel(placed), line.broker.snapshot(0)):
            with pytest.raises(BrokerConnectionError):
                await attempt
        assert tws.requests == arrived


# --- 11: one connection per client id


async def test_failure_11_a_second_connection_is_refused_and_the_first_goes_on(tws):
    async with connected(tws) as line:
        with pytest.raises(BrokerConnectionError, match="another process holds it; stop that one, or set another client_id"):
            await Rig(tws).broker().connect()
        error = await Ear(Rig(tws).feed(["AAPL"], client_id=1)).until_lost()
        assert isinstance(error, FeedDisconnected)
        assert "client id 1 is in use" in str(error)
        await line.broker.submit(placed := order())
        assert line.states(placed)[-1] is S.WORKING


# --- 12: pacing


async def test_failure_12_history_is_asked_for_no_faster_than_ib_allows():
    now, sent = [0.0], []
    pacer = Pacer(now=lambda: now[0], sleep=passing(now))
    for number in range(130):
        await pacer.wait(number % 30, number)
        sent.append((now[0], number % 30))
    for moment, con_id in sent:
        assert sum(moment - 600.0 < each <= moment for each, _ in sent) <= 60
        assert sum(moment - 2.0 < each <= moment for each, other in sent if other == con_id) <= 5
    await pacer.wait(1, "the same")
    before = now[0]
    await pacer.wait(1, "the same")
    assert now[0] >= before + 15.0


async def test_failure_12_who_is_not_at_ib_may_ask_for_more():
    now = [0.0]
    pacer = Pacer(1_000, lambda: now[0], passing(now))
    for number in range(1_000):
        await pacer.wait(number, number)
    assert now[0] == 0.0
    await pacer.wait(1_000, 1_000)
    assert now[0] == 600.0


async def test_failure_12_how_much_is_asked_for_is_the_user_s_to_say(tws):
    ear = Ear(Rig(tws).feed(["AAPL", "MSFT"], history_requests=1))
    try:
        await until(lambda: ear.signs_of_life > 1)  # there was time for more
        assert tws.subscriptions == {"AAPL"}
    finally:
        ear.stream.cancel()
        await asyncio.gather(ear.stream, return_exceptions=True)


async def test_failure_12_after_a_violation_nothing_is_asked_for_a_while():
    now = [0.0]
    pacer = Pacer(now=lambda: now[0], sleep=passing(now))
    pacer.violated()
    await pacer.wait(1)
    assert now[0] == PENALTY_SECONDS


async def test_failure_12_a_subscription_that_came_too_soon_is_asked_for_again(tws):
    async with listening(tws, "AAPL") as ear:
        number = next(iter(ear.feed._stream.symbols))
        tws.send_error(420, "Invalid Real-time Query:Historical data request pacing violation", request_id=number)
        assert "begins anew in 15 s" in str(await ear.until_lost())
        assert ear.feed._pacer._not_before > time.monotonic()


async def test_failure_12_a_storm_of_orders_stays_below_ib_s_limit_on_messages(make_tws):
    tws = make_tws(pacing=True)
    async with connected(tws, hold=False, requests_per_second=45) as line:
        await asyncio.gather(*(line.broker.submit(order()) for _ in range(60)))
        assert len(tws.orders()) == 60
        assert tws._tws.seen["reqContractDetails"] == 1, "sixty orders of one instrument look it up once"
        assert not line.stream.done()


def passing(now: list[float]):
    async def sleep(seconds: float) -> None:
        now[0] += seconds

    return sleep


# --- 13: a competing session


async def test_failure_13_another_login_has_the_data(tws):
    async with listening(tws, "AAPL") as ear:
        tws.compete(True)
        error = await ear.until_lost()
        assert isinstance(error, FeedDisconnected)
        assert "log the other one out. The data are asked for again in 60 s" in str(error)
        assert ear.feed._rival_until > time.monotonic() + 50, "it waits before it takes the data from the other again"


# --- 14: a slow reader


async def test_failure_14_a_burst_is_handed_over_whole_and_in_batches(tws):
    async with listening(tws, "AAPL", data="trades") as ear:
        batches = []
        ear.push_many = lambda events: batches.append(list(events))
        tws.burst("AAPL", 5_000)
        await until(lambda: sum(map(len, batches)) == 5_000)
        assert len(batches) < 1_000


# --- 17: expiry


async def test_failure_17_a_contract_that_is_not_listed_is_refused_with_those_that_are(tws):
    async with connected(tws) as line:
        with pytest.raises(BrokerRefused, match=r"IB lists no 'ES 202003 CME' \(IB 200\)"):
            await line.broker.submit(order(symbol="ES 202003 CME"))


async def test_failure_17_a_contract_that_has_expired_takes_no_order(tws):
    async with connected(tws) as line:
        line.broker._contracts._listed["ES 202003 CME"] = listed("ES 202003 CME", last_day="20200320")
        with pytest.raises(BrokerRefused, match="has expired: 20200320 was its last day"):
            await line.broker.submit(order(symbol="ES 202003 CME"))
        assert not tws.requests


# --- 18: times


async def test_failure_18_bars_are_labelled_by_their_start_in_utc(tws):
    async with listening(tws, "AAPL") as ear:
        moment = tws.emit("AAPL", 101.0, 7.0)
        await until(lambda: ear.events)
        assert ear.events == [Bar("AAPL", moment, 101.0, 101.0, 101.0, 101.0, 7.0, 5 * NANOS, True, False, None, "ib")]


# --- 19: fractions and ticks


async def test_failure_19_sizes_and_prices_are_put_on_the_grid_before_they_are_sent(tws):
    async with connected(tws) as line:
        await line.broker.submit(order(quantity=10.00009, limit_price=50.017))
        (there,) = tws.orders()
        assert (there.quantity, there.limit_price) == (10.0, 50.01)
        with pytest.raises(BrokerRefused, match=r"smallest|least|less"):
            await line.broker.submit(order(quantity=0.00001))
        assert tws.requests == 1


# --- 20: fees


async def test_failure_20_a_late_fee_completes_its_execution_and_is_a_cost(tws):
    async with connected(tws) as line:
        await line.broker.submit(placed := order())
        execution = tws.execute(placed.order_id, 10.0, 50.0, commission=None)
        await until(lambda: line.fills)
        tws.charge(execution, 1.5)
        await until(lambda: [fill.commission for fill in line.fills] == [0.0, 1.5])


def test_failure_20_a_fee_before_its_execution_is_kept_for_it():
    executions = Executions(lambda contract: contract.symbol, lambda currency: 2.0)
    report = fee("0001.01.01", 0.75)
    assert executions.charged(report) is None
    assert executions.charged(report) is None


# --- 21: credentials


async def test_failure_21_an_account_of_another_login_is_refused_at_once(tws):
    broker = IBBroker(**QUICK, port=tws.address[1], account="DU7654321")
    with pytest.raises(BrokerRefused, match="DU7654321 is not one of this login's; set account to one of DU1234567"):
        await broker.connect()


async def test_failure_21_with_several_accounts_one_has_to_be_named(make_tws):
    tws = make_tws(accounts=["DU1111111", "DU2222222"])
    with pytest.raises(BrokerRefused, match="set account to one of DU1111111, DU2222222"):
        await Rig(tws).broker().connect()
    async with connected(tws, account="DU2222222") as line:
        assert line.snapshot.account.account == "DU2222222"


async def test_failure_21_a_login_without_the_data_is_told_what_to_do(make_tws):
    tws = make_tws(unsubscribed=["AAPL", "MSFT"])
    error = await Ear(Rig(tws).feed(["AAPL", "MSFT"])).until_lost()
    assert isinstance(error, FeedRefused)
    assert str(error).count("subscribe to its exchange in IB's Client Portal") == 2


@pytest.mark.parametrize("code", [354, 10089, 10168, 10186])
async def test_failure_21_every_way_to_say_that_data_are_not_subscribed_to_is_understood(tws, code):
    async with listening(tws, "AAPL") as ear:
        tws.end_subscriptions("AAPL", code, "Requested market data is not subscribed.")
        error = await ear.until_lost()
        assert isinstance(error, FeedRefused), error
        assert f"IB {code}" in str(error)


# --- 22: a start that is not whole


async def test_failure_22_a_start_without_positions_is_no_flat_book(tws):
    async with connected(tws, hold=False) as line:
        await line.broker.submit(bought := order(**MARKET))
        await line.until_state(bought, S.FILLED)
    tws.sync_partially(True)
    for _ in range(2):
        with pytest.raises(BrokerConnectionError, match="positions"):
            await Rig(tws).broker().connect()
    tws.sync_partially(False)
    async with connected(tws) as line:
        assert [(each.symbol, each.quantity) for each in line.snapshot.positions] == [("AAPL", 10.0)]


# --- 23: a handler's fault


async def test_failure_23_a_fault_in_a_handler_is_not_swallowed(tws):
    async with listening(tws, "AAPL", data="trades") as ear:
        ear.push_many = lambda events: 1 / 0
        tws.emit("AAPL", 101.0)
        assert "could not be handled: ZeroDivisionError" in str(await ear.until_lost())


async def test_failure_23_a_message_that_the_sdk_drops_is_not_lost_without_a_word(tws):
    with ChaosProxy(tws.address) as proxy:
        async with listening(tws, "AAPL", port=proxy.address[1]) as ear:
            proxy.to_client.corrupt_after = 4 + len("50|3|3|")  # behind the length: a digit of the time of a bar
            tws.emit("AAPL", 101.0)
            assert "could not be decoded, and what it said is not known" in str(await ear.until_lost())


# --- 24: clocks


async def test_failure_24_a_clock_that_is_wrong_is_told(tws, monkeypatch):
    async with connected(tws) as line:
        behind = time.time() - 60.0
        monkeypatch.setattr("ml4t_live_ib.session.time", _Clock(behind))
        with capture_logs() as entries:
            await line.broker._session._compare_clocks()
    assert any(re.search(r"this machine's clock is (59|60) s behind that of TWS", entry["event"]) for entry in entries)


class _Clock:
    def __init__(self, moment: float) -> None:
        self.time = lambda: moment


def listed(symbol: str, *sessions: tuple[float, float], last_day: str = "") -> Listed:
    return Listed(symbol, to_contract(symbol), Rules(), last_day, sessions)


def fee(execution_id: str, commission: float):
    return CommissionReport(execId=execution_id, commission=commission, currency="EUR")
