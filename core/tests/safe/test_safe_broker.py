"""A `SafeBroker` used by itself: the same gate, journal and reconciliation as in an engine, without a feed or a strategy."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import pytest

from ml4t.live import LiveEngine, LiveRiskConfig, RiskLimitExceeded, SafeBroker, ThreadSafeBrokerWrapper
from ml4t.live.clock import SystemClock
from ml4t.live.journal import JournalReader
from ml4t.live.model import OrderState
from ml4t.live.orders.facade import DeskBroker
from ml4t.live.testing import Faults, ListFeed, SimulatedVenue, run_virtual
from ml4t.live.times import NANOS

START = 1_735_776_000 * 1_000_000_000
PATIENCE = 60.0

LIMITS = LiveRiskConfig(max_order_value=5_000, max_data_staleness_seconds=None, max_open_orders=4, dedup_window_seconds=None)


async def filled(safe, order):
    async with asyncio.timeout(PATIENCE):
        await safe._open_engine.caught_up()
    return safe.get_order(order.order_id)


def in_two_threads(work):
    """Call `work` with 0 and with 1, both at once."""
    start = threading.Barrier(2)
    failed = []

    def run(number):
        start.wait(PATIENCE)
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - it is raised below
            failed.append(error)

    threads = [threading.Thread(target=run, args=[number]) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    if failed:
        raise failed[0]


class GivingWay(SystemClock):
    """Lets another thread run whenever the time is asked for, inside a check too: what is not locked shows."""

    def now(self):
        time.sleep(0)
        return super().now()

    def stopwatch(self):
        time.sleep(0)
        return super().stopwatch()


class PoliteLock:
    """A lock that lets others go first: what is decided between two of its holds is decided on what may have changed."""

    def __init__(self):
        self._lock = threading.RLock()

    def __enter__(self):
        time.sleep(0)
        self._lock.acquire()

    def __exit__(self, *_):
        self._lock.release()


def attempt(submit, *order):
    with contextlib.suppress(RiskLimitExceeded):
        submit(*order)


class Untouchable:
    """A broker that must not be asked for anything."""

    def __getattr__(self, name):
        raise AssertionError(f"{name} was asked of the broker")


class TestShadow:
    def test_orders_are_checked_and_filled_by_the_prices_recorded_after_them(self):
        async def session():
            async with SafeBroker(Untouchable(), LIMITS) as safe:
                safe.record_market_snapshot("AAPL", 100.0)

                order = await safe.submit_order_async("AAPL", 10)
                assert order.state is OrderState.WORKING
                safe.record_market_snapshot("AAPL", 101.0)
                assert (await filled(safe, order)).average_price == 101.0
                assert safe.get_position("AAPL").quantity == 10
                assert await safe.get_cash_async() == pytest.approx(100_000 - 1_010)

        asyncio.run(session())

    def test_a_refusal_raises_with_the_check_its_code_its_limit_and_the_value(self):
        async def session():
            async with SafeBroker(None, LIMITS) as safe:
                safe.record_market_snapshot("AAPL", 100.0)

                with pytest.raises(RiskLimitExceeded, match="max_order_value") as refused:
                    await safe.submit_order_async("AAPL", 51)
                verdict = refused.value.order.verdict
                assert (verdict.check, verdict.code) == ("max_order_value", "max_order_value")
                assert (verdict.limit, verdict.value) == (5_000, 5_100)
                assert not safe.pending_orders

        asyncio.run(session())

    @pytest.mark.parametrize("quantity", [0, float("nan"), float("inf"), True, "ten"])
    def test_an_order_that_makes_no_sense_is_a_value_error_and_counts_for_nothing(self, quantity):
        async def session():
            async with SafeBroker(None, LIMITS) as safe:
                with pytest.raises(ValueError, match="quantity"):
                    await safe.submit_order_async("AAPL", quantity)
                assert not safe.pending_orders

        asyncio.run(session())

    def test_without_a_price_a_check_that_needs_one_refuses(self):
        async def session():
            async with SafeBroker(None, LIMITS) as safe:
                with pytest.raises(RiskLimitExceeded, match="no_price"):
                    await safe.submit_order_async("AAPL", 1)

        asyncio.run(session())

    def test_positions_are_reduced_and_closed_and_never_reversed(self):
        async def session():
            async with SafeBroker(None, LIMITS) as safe:
                safe.record_market_snapshot("AAPL", 100.0)

                order = await safe.submit_order_async("AAPL", 10)
                safe.record_market_snapshot("AAPL", 100.0)
                await filled(safe, order)
                assert (await safe.reduce_position_async("AAPL", 4)).signed_remaining == -4
                assert (await safe.close_position_async("AAPL")).signed_remaining == -6
                assert await safe.close_position_async("AAPL") is None
                assert await safe.reduce_position_async("AAPL", 1) is None

        asyncio.run(session())

    def test_no_more_is_reduced_than_is_held(self):
        async def session():
            async with SafeBroker(None, LIMITS) as safe:
                safe.record_market_snapshot("AAPL", 100.0)
                order = await safe.submit_order_async("AAPL", -10)
                safe.record_market_snapshot("AAPL", 100.0)
                await filled(safe, order)
                assert (await safe.reduce_position_async("AAPL", 25)).signed_remaining == 10

        asyncio.run(session())

    def test_other_terms_are_refused_like_an_order_and_leave_it_as_it_is(self):
        async def session():
            async with SafeBroker(None, LIMITS) as safe:
                safe.record_market_snapshot("AAPL", 100.0)
                order = await safe.submit_order_async("AAPL", 10, "buy", "limit", 90.0)
                with pytest.raises(RiskLimitExceeded, match="max_order_value"):
                    await safe.replace_order_async(order.order_id, quantity=1_000)
                with pytest.raises(KeyError, match="nobody"):
                    await safe.replace_order_async("nobody", quantity=1)
                assert safe.get_order(order.order_id).quantity == 10

        asyncio.run(session())

    def test_a_price_is_as_old_as_it_is_said_to_be(self):
        async def session():
            async with SafeBroker(None, LiveRiskConfig(max_data_staleness_seconds=60)) as safe:
                safe.record_market_snapshot("AAPL", 100.0, safe._core.clock.now() - 61 * NANOS)
                with pytest.raises(RiskLimitExceeded, match="stale_data"):
                    await safe.submit_order_async("AAPL", 1)

        asyncio.run(session())

    def test_it_must_be_connected_first_and_only_once(self):
        async def session():
            safe = SafeBroker(None, LIMITS)
            with pytest.raises(RuntimeError, match="connect"):
                await safe.submit_order_async("AAPL", 1)
            await safe.connect()
            with pytest.raises(RuntimeError, match="already"):
                await safe.connect()
            await safe.disconnect()
            await safe.disconnect()
            assert not safe.is_connected

        asyncio.run(session())

    def test_what_is_in_use_by_itself_is_not_handed_to_an_engine(self):
        async def session():
            safe = SafeBroker(None, LIMITS)
            async with safe:
                with pytest.raises(RuntimeError, match="in use by itself"):
                    LiveEngine(None, safe, ListFeed([]))
            LiveEngine(None, safe, ListFeed([]))

        asyncio.run(session())


class TestPaper:
    """Against a venue with books of its own, on virtual time."""

    limits = LiveRiskConfig(execution_mode="paper", max_data_staleness_seconds=None, dedup_window_seconds=None)

    def run(self, tmp_path, session, **faults):
        async def play(clock):
            venue = SimulatedVenue(lambda symbol: 100.0, clock, seed=1, faults=Faults(**faults))
            safe = SafeBroker(venue, self.limits, state_dir=tmp_path, clock=clock)
            await safe.connect()
            safe.record_market_snapshot("AAPL", 100.0)
            await session(safe, venue)
            await safe.disconnect()

        run_virtual(play, start=START)

    def test_an_order_reaches_the_venue_and_is_journalled(self, tmp_path):
        async def session(safe, venue):
            order = await safe.submit_order_async("AAPL", 10)
            await venue.settled()
            assert safe.get_order(order.order_id).state is OrderState.FILLED
            assert venue.submissions == [order.order_id]

        self.run(tmp_path, session)
        with JournalReader(tmp_path / "paper" / "journal.sqlite3") as journal:
            assert [order.state for order in journal.orders()] == [OrderState.FILLED]
            assert len(journal.fills()) == 1

    def test_the_same_key_is_the_same_order(self, tmp_path):
        async def session(safe, venue):
            first = await safe.submit_order_async("AAPL", 10, idempotency_key="monday")
            again = await safe.submit_order_async("AAPL", 10, idempotency_key="monday")
            assert again.order_id == first.order_id
            assert venue.submissions == [first.order_id]

        self.run(tmp_path, session)

    def test_a_time_out_leaves_the_order_counted_and_found_out(self, tmp_path):
        async def session(safe, venue):
            order = await safe.submit_order_async("AAPL", 10, timeout=15)
            assert order.state is OrderState.UNKNOWN
            assert [pending.order_id for pending in safe.pending_orders] == [order.order_id]
            while safe.get_order(order.order_id).is_open:
                await safe._core.clock.sleep(1.0)
            assert safe.get_order(order.order_id).code == "never_reached"

        self.run(tmp_path, session, lose_request=1.0)

    def test_the_kill_switch_holds_until_somebody_resumes(self, tmp_path):
        async def session(safe, venue):
            safe.enable_kill_switch("enough", by="ann")
            with pytest.raises(RiskLimitExceeded, match="kill_switch"):
                await safe.submit_order_async("AAPL", 1)
            with pytest.raises(ValueError, match="name"):
                safe.disable_kill_switch("go on", by=" ")
            safe.disable_kill_switch("go on", by="ann")
            assert (await safe.submit_order_async("AAPL", 1)).state is OrderState.WORKING

        self.run(tmp_path, session)

    @pytest.mark.parametrize(
        "empty", [lambda safe: safe.close_all_positions("enough"), lambda safe: safe.enable_kill_switch("enough", flatten=True)]
    )
    def test_the_account_is_emptied_when_that_is_asked_for(self, empty, tmp_path):
        async def session(safe, venue):
            await safe.submit_order_async("AAPL", 10)
            await venue.settled()
            assert safe.get_position("AAPL").quantity == 10
            empty(safe)
            while safe.positions:
                await safe._core.clock.sleep(1.0)
            assert not venue.portfolio.positions

        self.run(tmp_path, session)

    @pytest.mark.parametrize("use", [lambda safe: LiveEngine(None, safe, ListFeed([])), lambda safe: safe.connect().send(None)])
    def test_a_mode_that_nothing_names_is_refused_and_not_taken_to_be_shadow(self, use):
        with pytest.raises(ValueError, match="execution_mode='paper' or 'live'"):
            use(SafeBroker(Untouchable(), LiveRiskConfig(shadow_mode=False)))

    def test_it_needs_a_place_for_what_must_survive(self):
        with pytest.raises(ValueError, match="state_dir"):
            asyncio.run(SafeBroker(Untouchable(), self.limits).connect())


class TestFromThreads:
    """`ThreadSafeBrokerWrapper`: the loop runs here, the callers in threads of their own."""

    def session(self, work, limits=LIMITS):
        async def play():
            async with SafeBroker(None, limits) as safe:
                safe.record_market_snapshot("AAPL", 100.0)

                wrapper = ThreadSafeBrokerWrapper(safe, asyncio.get_running_loop())
                async with asyncio.timeout(PATIENCE):
                    await asyncio.to_thread(work, wrapper)
                return list(safe.pending_orders)

        return asyncio.run(play())

    def test_every_call_answers(self):
        def work(broker):
            order = broker.submit_order("AAPL", 10, "buy", "limit", 90.0)
            assert broker.is_connected
            assert [o.order_id for o in broker.get_pending_orders("AAPL")] == [order.order_id]
            assert broker.replace_order(order.order_id, quantity=12.0).quantity == 12.0
            assert broker.get_pending_orders("MSFT") == []
            assert broker.cancel_order(order.order_id)
            assert not broker.cancel_order("nobody")
            assert broker.get_position("AAPL") is None
            assert broker.positions == broker.get_positions() == {}
            assert broker.close_position("AAPL") is None
            assert broker.get_cash() == broker.get_account_value() == 100_000.0

        assert self.session(work) == []

    def test_a_refusal_keeps_its_type(self):
        def work(broker):
            with pytest.raises(RiskLimitExceeded, match="max_order_value"):
                broker.submit_order("AAPL", 1_000)

        self.session(work)

    def test_a_time_out_of_the_broker_itself_keeps_its_words(self):
        class Slow(SafeBroker):
            async def get_cash_async(self):
                raise TimeoutError("the broker's own")

        async def play():
            wrapper = ThreadSafeBrokerWrapper(Slow(None, LIMITS), asyncio.get_running_loop())
            with pytest.raises(TimeoutError, match="the broker's own"):
                await asyncio.to_thread(wrapper.get_cash)

        asyncio.run(play())

    def test_limits_hold_when_two_threads_submit_at_once(self):
        refused = []

        def work(broker):
            start = threading.Barrier(2)

            def submit(number):
                start.wait()
                for n in range(10):
                    try:
                        broker.submit_order("AAPL", 1 + number, "buy", "limit", 90.0 - n)
                    except RiskLimitExceeded as error:
                        refused.append(error.order.code)

            threads = [threading.Thread(target=submit, args=[number]) for number in (0, 1)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE)

        assert len(self.session(work)) == LIMITS.max_open_orders
        assert refused == ["max_open_orders"] * 16

    def test_the_value_of_a_position_holds_when_two_threads_submit_at_once(self):
        limits = LiveRiskConfig(
            max_position_value=4_500, max_data_staleness_seconds=None, dedup_window_seconds=None, max_orders_per_minute=None
        )

        def work(broker):
            in_two_threads(lambda number: [attempt(broker.submit_order, "AAPL", 1) for _ in range(40)])

        assert sum(order.quantity for order in self.session(work, limits)) == 45

    def test_limits_hold_when_two_threads_share_the_broker_of_a_strategy(self):
        limits = LiveRiskConfig(
            max_position_value=30_000,
            max_open_orders=250,
            max_data_staleness_seconds=None,
            dedup_window_seconds=None,
            max_orders_per_minute=None,
            check_budget_ms=60_000,
        )

        async def play():
            async with SafeBroker(None, limits, clock=GivingWay()) as safe:
                safe.record_market_snapshot("AAPL", 100.0)
                safe.record_market_snapshot("MSFT", 100.0)
                await safe._open_engine.caught_up()
                broker = DeskBroker(safe._core.desk, "test", "two threads")
                answers = []

                def submit(number):
                    symbol = ("AAPL", "MSFT")[number]
                    for _ in range(200):
                        answers.append(broker.submit_order(symbol, 1))
                        answers.append(broker.submit_order("AAPL", 1))

                async with asyncio.timeout(PATIENCE):
                    await asyncio.to_thread(in_two_threads, submit)
                return answers, list(safe.pending_orders)

        answers, pending = asyncio.run(play())
        accepted = [order for order in answers if order.state is not OrderState.REJECTED]
        assert len({order.order_id for order in answers}) == len(answers) == 800
        assert len(pending) == len(accepted) == 250
        assert {order.code for order in answers if order not in accepted} <= {"max_open_orders", "max_position_value"}

    def test_two_threads_that_close_a_position_at_once_do_not_reverse_it(self):
        limits = LiveRiskConfig(max_data_staleness_seconds=None, dedup_window_seconds=None, check_budget_ms=60_000)

        async def play():
            async with SafeBroker(None, limits, clock=GivingWay()) as safe:
                safe.record_market_snapshot("AAPL", 100.0)
                order = await safe.submit_order_async("AAPL", 10)
                safe.record_market_snapshot("AAPL", 100.0)
                await filled(safe, order)
                safe._core.desk.lock = PoliteLock()
                broker = DeskBroker(safe._core.desk, "test", "two threads")
                async with asyncio.timeout(PATIENCE):
                    await asyncio.to_thread(in_two_threads, lambda number: broker.close_position("AAPL"))
                assert [pending.signed_remaining for pending in safe.pending_orders] == [-10]

        asyncio.run(play())

    def test_the_loop_s_own_thread_is_refused_instead_of_waiting_for_itself(self):
        async def play():
            async with SafeBroker(None, LIMITS) as safe:
                wrapper = ThreadSafeBrokerWrapper(safe, asyncio.get_running_loop())
                with pytest.raises(RuntimeError, match="own thread"):
                    wrapper.get_cash()

        asyncio.run(play())

    def test_a_call_that_a_blocked_loop_does_not_take_up_does_nothing(self, monkeypatch):
        monkeypatch.setattr("ml4t.live.sync.HURRY_SECONDS", 0.05)

        async def play():
            async with SafeBroker(None, LIMITS) as safe:
                safe.record_market_snapshot("AAPL", 100.0)

                wrapper = ThreadSafeBrokerWrapper(safe, asyncio.get_running_loop())
                raised = []

                def work():
                    try:
                        wrapper.submit_order("AAPL", 1, timeout=0.05)
                    except BaseException as error:  # noqa: BLE001 - whatever it is, it is looked at below
                        raised.append(error)

                thread = threading.Thread(target=work)
                thread.start()
                thread.join(PATIENCE)  # blocks the loop, on purpose
                assert type(raised[0]) is TimeoutError
                await asyncio.sleep(0.01)
                assert not safe.pending_orders

        asyncio.run(play())

    def test_a_loop_that_does_not_run_is_said_so(self):
        loop = asyncio.new_event_loop()
        try:
            with pytest.raises(RuntimeError, match="does not run"):
                ThreadSafeBrokerWrapper(SafeBroker(None, LIMITS), loop).get_cash()
        finally:
            loop.close()
