"""Sessions of the real engine, recorded and replayed: every decision is the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import attrs
import pytest
from engine_kit import MINUTE, SECOND, START, Market, limits, run_list, trade, until
from honest_strategies import Blind, Busy, Follower, Quiet, Reader
from parity_kit import check_same, frames_of, replayed, state, tape_of, walk

from ml4t.live import LiveEngine
from ml4t.live.clock import SystemClock
from ml4t.live.config.settings import EngineSettings, MarketSettings
from ml4t.live.config.strategy import StrategySource
from ml4t.live.engine.forecasting import ForecasterSpec
from ml4t.live.engine.triggers import TriggerSpec
from ml4t.live.journal.rotate import rotate
from ml4t.live.model import Direction, Distribution, Firing, Forecast
from ml4t.live.parity import NotReplayable
from ml4t.live.tape.frames import Kind
from ml4t.live.testing import Faults, ListFeed, SimulatedFeed, SimulatedVenue, run_virtual

HERE = Path(__file__).parent
CROWD = {"max_order_value": 50_000.0}


@pytest.mark.parametrize("bars", [None, "1m"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_shadow_session_on_recorded_data(folder, bars, seed):
    options = {"bars": bars, "record": True, "risk": limits(**CROWD), "engine": {"error_budget": 10_000}}
    asyncio.run(run_list(Busy(seed), walk(600, seed), folder, **options))
    found = check_same(folder, least=50, strategy=StrategySource("honest_strategies:Busy", str(HERE), {"seed": seed}))
    (run,) = found.runs
    assert run.notes == ()
    assert run.replay.questions > run.replay.orders


@pytest.mark.parametrize("bars", [None, "1m"])
def test_the_market_says_the_same_to_the_last_bit(folder, bars):
    asyncio.run(run_list(Reader(), walk(500), folder, bars=bars, record=True))
    check_same(folder, least=30)


def live(folder, strategy, *, venue=None, seconds=900.0, faults=None, line=None, settings=None, **options):
    """A session on virtual time, which is a live one to the engine."""

    async def main(clock):
        feed = SimulatedFeed(["A", "B"], clock, seed=3, duration_seconds=seconds, line_seconds=line)
        broker = None
        if venue is not None:
            broker = venue(lambda symbol: running.core.market.price(symbol) or 100.0, clock, seed=3, faults=faults)
        mode = "paper" if broker else "shadow"
        running = LiveEngine(
            strategy,
            broker,
            feed,
            risk=limits(execution_mode=mode, **CROWD),
            settings=EngineSettings(error_budget=10_000, **settings or {}),
            state_dir=folder,
            clock=clock,
            seed=3,
            record=True,
            **options,
        )
        await running.run()
        return running

    return run_virtual(main, start=START)


@pytest.mark.parametrize("bars", [None, "5s", "1m"])
def test_a_shadow_session_on_live_time(folder, bars):
    live(folder, Busy(), bars=bars, line=120.0)
    check_same(folder, least=10)


class Amending(SimulatedVenue):
    """Takes whatever there is, lets limits and stops rest until they are cancelled, and amends them."""

    capabilities = attrs.evolve(
        SimulatedVenue.capabilities,
        order_types=frozenset({"market", "limit", "stop"}),
        replace=True,
        brackets=True,
        oco=True,
    )

    async def submit_bracket(self, entry, take_profit, stop_loss):
        return [await self.submit(each) for each in (entry, take_profit, stop_loss)]

    async def submit_oco(self, first, second):
        return [await self.submit(each) for each in (first, second)]

    async def replace(self, order, *, quantity, limit_price, stop_price):
        await self._travel()


FAULTS = Faults(
    latency_seconds=0.4,
    rest_seconds=3.0,
    reject=0.05,
    partial_fill=0.4,
    duplicate_fill=0.2,
    lose_acknowledgement=0.1,
    reorder=0.2,
    refuse_cancel=0.2,
)


@pytest.mark.parametrize("bars", [None, "5s"])
def test_a_paper_session_whose_fills_come_between_the_calls(folder, bars):
    live(folder, Busy(), venue=Amending, faults=FAULTS, bars=bars, line=200.0)
    found = check_same(folder, "paper", least=50)
    assert found.runs[0].replay.calls > 100


def test_the_history_of_a_warm_up_is_on_the_tape(folder):
    market = MarketSettings(warmup=10 * MINUTE)
    live(folder, Reader(), market=market, seconds=120.0)
    kinds = {frame[0] for frame in frames_of(tape_of(folder))}
    assert {Kind.SLEEP, Kind.PAST, Kind.INHERIT} <= kinds
    check_same(folder, least=100)
    live(folder, Reader(), market=market, seconds=120.0)  # and what the first run remembers
    assert Kind.REMEMBER in {frame[0] for frame in frames_of(tape_of(folder))}
    check_same(folder, runs=2, least=200)


def test_a_session_that_was_stopped_and_went_on(folder):
    events = walk(600)
    for part in (events[:200], events[:450], events):
        asyncio.run(run_list(Busy(), part, folder, bars="1m", record=True, symbols=("A", "B"), engine={"error_budget": 10_000}))
    found = check_same(folder, runs=3, least=20)
    assert all(run.replay.calls for run in found.runs)


async def on_the_machines_time(folder, strategy, calls, **settings):
    """A live session on the machine's clock: the tape has a thread of its own."""
    feed = Market()
    venue = SimulatedVenue(lambda _: 100.0, SystemClock(), seed=1, faults=Faults(latency_seconds=0.002))
    engine = LiveEngine(
        strategy,
        venue,
        feed,
        risk=limits(execution_mode="paper"),
        state_dir=folder,
        settings=EngineSettings(record=True, error_budget=10_000, **settings),
    )
    run = asyncio.create_task(engine.run())
    await until(lambda: strategy.calls >= calls)
    feed.end.set()
    await run


@pytest.mark.parametrize("thread", [False, True])
def test_a_session_on_the_machines_time(folder, thread):
    asyncio.run(on_the_machines_time(folder, Blind() if thread else Busy(), 200, strategy_thread=thread))
    check_same(folder, "paper", least=20)


def test_a_strategy_that_watches_a_market_move_cannot_be_replayed(folder):
    asyncio.run(on_the_machines_time(folder, Busy(), 20, strategy_thread=True))
    with pytest.raises(NotReplayable, match="looks at a market that moves"):
        replayed(folder, "paper")


def test_a_strategy_on_its_own_thread_on_recorded_data(folder):
    options = {"bars": "1m", "record": True, "engine": {"strategy_thread": True, "error_budget": 10_000}}
    asyncio.run(run_list(Busy(), walk(300), folder, **options))
    check_same(folder, least=20)


def test_a_journal_that_was_rotated_since(folder):
    asyncio.run(run_list(Busy(), walk(300), folder, record=True, engine={"error_budget": 10_000}))
    assert rotate(state(folder), SystemClock(), keep=5).moved > 100
    check_same(folder, least=50)


def test_a_session_without_data_has_nothing_to_differ(folder):
    asyncio.run(run_list(Busy(), [], folder, record=True, feed=ListFeed([], symbols=("A",))))
    (run,) = replayed(folder).runs
    assert run.replay.divergence is None
    assert run.replay.calls <= 2


def test_nothing_is_recorded_unless_asked_for(folder):
    asyncio.run(run_list(Quiet(), [trade("A", n * SECOND) for n in range(30)], folder))
    assert not (folder / "shadow" / "tape").exists()


class Each:
    def on_event(self, event, market):
        return Firing(reason="it was time")


class Says:
    version = "1"

    def forecast(self, request):
        prices = {symbol: request.market.price(symbol) for symbol in request.symbols}
        return [
            Forecast(
                symbol,
                request.horizon,
                direction=Direction.UP,
                confidence=0.75,
                quantiles={0.1: price * 0.99, 0.5: price, 0.9: price * 1.01},
                distribution=Distribution(price, 1.5),
            )
            for symbol, price in prices.items()
        ]


@pytest.mark.parametrize("thread", [False, True])
def test_a_strategy_that_follows_forecasts(folder, thread):
    spec = ForecasterSpec("model", Says(), frozenset({"each"}), horizon=5 * MINUTE)
    options = {"triggers": [TriggerSpec("each", Each())], "forecasters": [spec], "engine": {"strategy_thread": thread}}
    asyncio.run(run_list(Follower(), walk(60), folder, record=True, risk=limits(), **options))
    check_same(folder, least=60)
