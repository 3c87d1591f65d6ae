"""What people bring along from the library before: the blocks of its README, word for word, with stand-ins for the vendor's."""

from __future__ import annotations

import ast
import asyncio
import inspect
import sys
from types import ModuleType
from typing import Any

import pytest

from ml4t.live import LiveEngine, LiveRiskConfig, SafeBroker, Trade
from ml4t.live.clock import SystemClock
from ml4t.live.testing import SimulatedVenue

PATIENCE = 60.0

BASIC_USAGE = """
from ml4t.live import LiveEngine, IBBroker, IBDataFeed, SafeBroker, LiveRiskConfig

# Always start in shadow mode (no real orders!)
config = LiveRiskConfig(shadow_mode=True)
broker = SafeBroker(IBBroker(), config)
feed = IBDataFeed(symbols=["AAPL", "MSFT"])

engine = LiveEngine(my_strategy, broker, feed)
await engine.connect()
await engine.run()
"""
PAPER_TRADING = """
config = LiveRiskConfig(
    shadow_mode=False,  # Real orders to paper account
    max_position_value=25_000,
    max_daily_loss=2_000,
)
"""
LIVE_TRADING = """
config = LiveRiskConfig(
    shadow_mode=False,
    max_position_value=10_000,
    max_order_value=5_000,
    max_daily_loss=1_000,
    kill_switch_enabled=False,  # Enable if emergency stop needed
)
"""
RISK_CONTROLS = """
config = LiveRiskConfig(
    # Mode
    shadow_mode=True,              # Log but don't execute

    # Position Limits
    max_position_value=25_000,     # Max value per position
    max_shares=1000,               # Max shares per position
    max_positions=10,              # Max concurrent positions

    # Order Limits
    max_order_value=10_000,        # Max single order value

    # Loss Limits
    max_daily_loss=2_000,          # Daily loss limit
    max_drawdown_pct=0.10,         # 10% max drawdown

    # Safety Checks
    max_price_deviation_pct=0.05,  # 5% fat finger protection
    max_data_staleness_seconds=60, # Reject stale data
    dedup_window_seconds=5,        # Prevent duplicate orders

    # Emergency
    kill_switch_enabled=False,     # Halt all trading
)
"""


class IBBroker(SimulatedVenue):
    """Stands in for the vendor's broker."""

    made: list[IBBroker]

    def __init__(self) -> None:
        super().__init__(lambda symbol: 100.0, SystemClock(), seed=1)
        self.made.append(self)


class IBDataFeed:
    """Stands in for the vendor's feed: prints until the strategy holds what it wants."""

    historical = False
    enough: asyncio.Event

    def __init__(self, symbols: list[str]) -> None:
        self.symbols = symbols

    async def run(self, sink: Any) -> None:
        """Push trades of every symbol, again and again."""
        clock = SystemClock()
        while not self.enough.is_set():
            for symbol in self.symbols:
                sink.push(Trade(symbol, clock.now(), 100.0, 1.0))
            await clock.sleep(0.01)


class BuyOnce:
    """Buys ten shares when it has none and none are on their way."""

    def __init__(self) -> None:
        self.held: dict[str, float] = {}

    def on_data(self, timestamp: Any, data: Any, context: Any, broker: Any) -> None:
        self.held = {symbol: position.quantity for symbol, position in broker.get_positions().items()}
        if self.held:
            IBDataFeed.enough.set()
        elif not broker.pending_orders:
            broker.submit_order("AAPL", 10)


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the stand-ins where `ml4t.live` looks for the vendor's plugin."""
    monkeypatch.setattr(IBBroker, "made", [], raising=False)
    monkeypatch.setattr(IBDataFeed, "enough", asyncio.Event(), raising=False)
    for module, offered in (("broker", IBBroker), ("feed", IBDataFeed)):
        there = ModuleType(f"ml4t_live_ib.{module}")
        setattr(there, offered.__name__, offered)
        monkeypatch.setitem(sys.modules, there.__name__, there)


def run(text: str, **names: Any) -> dict[str, Any]:
    """Run a block as it stands, `await` at its top and all; return its names."""
    code = compile(text, "README", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def play() -> None:
        async with asyncio.timeout(PATIENCE):
            result = eval(code, names)
            if inspect.isawaitable(result):
                await result

    asyncio.run(play())
    return names


def test_the_basic_usage_runs_word_for_word_and_trades_in_the_shadow():
    strategy = BuyOnce()

    run(BASIC_USAGE, my_strategy=strategy)

    (venue,) = IBBroker.made
    assert strategy.held == {"AAPL": 10}
    assert (venue.connects, venue.submissions) == (0, [])


def test_the_limits_of_the_risk_controls_are_the_ones_it_names():
    limits = run(RISK_CONTROLS, LiveRiskConfig=LiveRiskConfig)["config"]

    assert limits.execution_mode == "shadow"
    assert (limits.max_position_value, limits.max_position_shares, limits.max_positions) == (25_000, 1_000, 10)
    assert (limits.max_order_value, limits.max_daily_loss, limits.max_drawdown_pct) == (10_000, 2_000, 0.10)
    assert (limits.max_price_deviation_pct, limits.max_data_staleness_seconds) == (0.05, 60)
    assert (limits.dedup_window_seconds, limits.kill_switch_enabled) == (5, False)


@pytest.mark.parametrize("text", [PAPER_TRADING, LIVE_TRADING])
def test_limits_that_only_say_not_shadow_are_refused_with_what_to_write(text):
    limits = run(text, LiveRiskConfig=LiveRiskConfig)["config"]

    with pytest.raises(ValueError, match="execution_mode='paper' or 'live'"):
        LiveEngine(BuyOnce(), SafeBroker(IBBroker(), limits), IBDataFeed(symbols=["AAPL"]))


def test_the_basic_usage_with_the_mode_named_and_a_state_directory_trades_at_the_venue(tmp_path):
    strategy = BuyOnce()
    changed = BASIC_USAGE.replace("shadow_mode=True", "execution_mode='paper'").replace("feed)", "feed, state_dir=folder)")

    run(changed, my_strategy=strategy, folder=tmp_path)

    (venue,) = IBBroker.made
    assert strategy.held == {"AAPL": 10}
    assert venue.connects == len(venue.submissions) == 1


def test_a_safe_broker_works_by_itself_around_the_vendor_s():
    names = run(
        """
from ml4t.live import IBBroker, SafeBroker, LiveRiskConfig

broker = SafeBroker(IBBroker(), LiveRiskConfig(shadow_mode=True))
await broker.connect()
broker.record_market_snapshot("AAPL", 100.0)
order = await broker.submit_order_async("AAPL", 10)
await broker.disconnect()
"""
    )

    assert names["order"].quantity == 10
    assert names["broker"].broker.connects == 0
