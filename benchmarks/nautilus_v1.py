"""The cases on nautilus_trader 1.x: a live node, a Python data client, a Python strategy, a Python execution client.

The node is a TradingNode with its risk engine on, on uvloop, logging errors only. The data client pushes pre-built ticks a
burst at a time and yields to the loop in between, which is the cheapest way the engine offers; the execution client
submits, accepts and fills at once.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import time
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from measure import ORDER_EVERY, PRICES, SETTLE_SECONDS, START, TICK, Marks, Window, import_cost
from nautilus_live import live_cases
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.config import (
    LiveDataClientConfig,
    LiveExecClientConfig,
    LiveExecEngineConfig,
    LiveRiskEngineConfig,
    LoggingConfig,
    RiskEngineConfig,
    RoutingConfig,
    TradingNodeConfig,
)
from nautilus_trader.live.data_client import LiveMarketDataClient
from nautilus_trader.live.execution_client import LiveExecutionClient
from nautilus_trader.live.factories import LiveDataClientFactory, LiveExecClientFactory
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BarType, TradeTick
from nautilus_trader.model.enums import AccountType, AggressorSide, LiquiditySide, OmsType, OrderSide
from nautilus_trader.model.identifiers import AccountId, ClientId, InstrumentId, Symbol, TradeId, Venue, VenueOrderId
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import AccountBalance, Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

RATE = "1000000000/00:00:01"  # the risk engine throttles orders otherwise
VENUE = Venue("BENCH")
CASH = Money(1_000_000_000, USD)
ONE = Quantity.from_int(1)


def shares(count: int) -> list[Equity]:
    """Return some instruments."""
    return [
        Equity(
            instrument_id=InstrumentId(Symbol(f"S{n}"), VENUE),
            raw_symbol=Symbol(f"S{n}"),
            currency=USD,
            price_precision=2,
            price_increment=Price.from_str("0.01"),
            lot_size=ONE,
            ts_event=0,
            ts_init=0,
            margin_init=Decimal("0.01"),
            margin_maint=Decimal("0.01"),
        )
        for n in range(count)
    ]


def trades(count: int, instruments: list[Equity], apart: int = TICK) -> list[TradeTick]:
    """Return the same walk as `ours.trades`."""
    ids = [instrument.id for instrument in instruments]
    prices = [Price(price, 2) for price in PRICES]
    return [
        TradeTick(
            ids[n % len(ids)],
            prices[n * 7919 % 101],
            ONE,
            AggressorSide.BUYER,
            TradeId(str(n)),
            START + n * apart,
            START + n * apart,
        )
        for n in range(count)
    ]


class Feed(LiveMarketDataClient):
    """Runs `pump` once everything is subscribed."""

    def __init__(self, pump: Callable[[Feed], Coroutine[Any, Any, None]], expected: int, **given: Any) -> None:
        super().__init__(client_id=ClientId("FEED"), venue=VENUE, instrument_provider=InstrumentProvider(), **given)
        self._pump = pump
        self._expected = expected

    async def _connect(self) -> None:
        pass

    async def _disconnect(self) -> None:
        pass

    async def _subscribe_trade_ticks(self, command: Any) -> None:
        self._expected -= 1
        if self._expected == 0:
            self.create_task(self._pump(self))

    def push(self, tick: TradeTick) -> None:
        """Hand a tick to the data engine."""
        self._handle_data(tick)


class Desk(LiveExecutionClient):
    """Submits, accepts and fills at once; notes when an order came in."""

    def __init__(self, entered: list[int], **given: Any) -> None:
        super().__init__(
            client_id=ClientId("EXEC"),
            venue=VENUE,
            oms_type=OmsType.NETTING,
            account_type=AccountType.MARGIN,
            base_currency=USD,
            instrument_provider=InstrumentProvider(),
            **given,
        )
        self._set_account_id(AccountId("EXEC-001"))
        self._entered = entered
        self._numbers = itertools.count(1)

    async def _connect(self) -> None:
        self.generate_account_state([AccountBalance(CASH, Money(0, USD), CASH)], [], True, self._clock.timestamp_ns())

    async def _disconnect(self) -> None:
        pass

    def submit_order(self, command: Any) -> None:
        """Take an order where it enters the client, before a task is made of it: the earliest point there is."""
        self._entered.append(time.perf_counter_ns())
        order = command.order
        number = next(self._numbers)
        venue_order_id = VenueOrderId(str(number))
        now = self._clock.timestamp_ns()
        about = (order.strategy_id, order.instrument_id, order.client_order_id)
        self.generate_order_submitted(*about, now)
        self.generate_order_accepted(*about, venue_order_id, now)
        self.generate_order_filled(
            *about,
            venue_order_id,
            None,
            TradeId(str(number)),
            order.side,
            order.order_type,
            order.quantity,
            Price(100, 2),
            USD,
            Money(0, USD),
            LiquiditySide.TAKER,
            now,
        )


class Trader(Strategy):
    """Counts; with the last tick of a burst it sends an order and says that it has seen the burst."""

    def __init__(self, instruments: list[Equity], burst_seen: Callable[[], None], marks: Marks | None = None) -> None:
        super().__init__()
        self._instruments = instruments
        self._burst_seen = burst_seen
        self._marks = marks
        self.calls = 0
        self.fills = 0
        self.side = OrderSide.BUY

    def on_start(self) -> None:
        """Subscribe."""
        for instrument in self._instruments:
            self.subscribe_trade_ticks(instrument.id)

    def on_trade_tick(self, tick: TradeTick) -> None:
        """Count."""
        self.calls += 1
        if self.calls % ORDER_EVERY == 0:
            self.submit_order(self.order_factory.market(tick.instrument_id, self.side, ONE))
            self.side = OrderSide.SELL if self.side == OrderSide.BUY else OrderSide.BUY
            self._burst_seen()
        if self._marks is not None:
            self._marks.see(self.calls)

    def on_order_filled(self, event: Any) -> None:
        """Count."""
        self.fills += 1


class Submitter(Strategy):
    """Sends an order with every tick and says when it has been filled."""

    def __init__(self, instruments: list[Equity], asked: list[int], filled: Callable[[], None]) -> None:
        super().__init__()
        self._instrument = instruments[0]
        self._asked = asked
        self._filled = filled

    def on_start(self) -> None:
        """Subscribe."""
        self.subscribe_trade_ticks(self._instrument.id)

    def on_trade_tick(self, tick: TradeTick) -> None:
        """Send an order, alternately buying and selling."""
        side = OrderSide.BUY if len(self._asked) % 2 == 0 else OrderSide.SELL
        self._asked.append(time.perf_counter_ns())
        self.submit_order(self.order_factory.market(tick.instrument_id, side, ONE))

    def on_order_filled(self, event: Any) -> None:
        """Say so."""
        self._filled()

    def on_order_denied(self, event: Any) -> None:
        """Fail: the risk engine must let everything through."""
        raise RuntimeError(event.reason)


def run_node(
    strategy: Strategy,
    instruments: list[Equity],
    pump: Callable[[Feed], Coroutine[Any, Any, None]],
    entered: list[int],
    window: Window,
) -> None:
    """Run a live node until the window is closed."""

    class Feeds(LiveDataClientFactory):
        @staticmethod
        def create(loop: Any, name: str, config: Any, msgbus: Any, cache: Any, clock: Any) -> Feed:
            return Feed(pump, len(instruments), loop=loop, msgbus=msgbus, cache=cache, clock=clock)

    class Desks(LiveExecClientFactory):
        @staticmethod
        def create(loop: Any, name: str, config: Any, msgbus: Any, cache: Any, clock: Any) -> Desk:
            return Desk(entered, loop=loop, msgbus=msgbus, cache=cache, clock=clock)

    routing = RoutingConfig(default=True)
    config = TradingNodeConfig(
        logging=LoggingConfig(log_level="ERROR"),
        risk_engine=LiveRiskEngineConfig(bypass=False, max_order_submit_rate=RATE),
        exec_engine=LiveExecEngineConfig(reconciliation=False),
        data_clients={"FEED": LiveDataClientConfig(routing=routing)},
        exec_clients={"EXEC": LiveExecClientConfig(routing=routing)},
        timeout_post_stop=0.1,
        timeout_disconnection=1.0,
    )
    node = TradingNode(config)
    for instrument in instruments:
        node.kernel.cache.add_instrument(instrument)
    node.trader.add_strategy(strategy)
    node.add_data_client_factory("FEED", Feeds)
    node.add_exec_client_factory("EXEC", Desks)
    node.build()

    async def main() -> None:
        closed = window.make()
        running = asyncio.get_running_loop().create_task(node.run_async())
        await asyncio.wait([running, asyncio.ensure_future(closed.wait())], return_when=asyncio.FIRST_COMPLETED)
        if not closed.is_set():
            raise RuntimeError("the node ended early")
        await asyncio.sleep(SETTLE_SECONDS)  # the last order is filled
        await node.stop_async()
        await running

    loop = node.get_event_loop()
    if loop is None:
        raise RuntimeError("the node has no loop")
    loop.run_until_complete(main())


trader = Trader
submitter = Submitter


class Watcher(Strategy):
    """Subscribes to bars made inside the engine, and counts them."""

    def __init__(self, instruments: list[Equity]) -> None:
        super().__init__()
        self._instruments = instruments
        self.bars = 0

    def on_start(self) -> None:
        """Subscribe."""
        for instrument in self._instruments:
            self.subscribe_bars(BarType.from_str(f"{instrument.id}-1-SECOND-LAST-INTERNAL"))

    def on_bar(self, bar: Any) -> None:
        """Count."""
        self.bars += 1


def bars(symbols: int = 1, count: int = 500_000) -> dict[str, Any]:
    """Ticks to 1-second bars, in the backtest engine: in a live node bars end by the wall clock, whatever the data say."""
    instruments = shares(symbols)
    engine = BacktestEngine(
        BacktestEngineConfig(logging=LoggingConfig(log_level="ERROR"), risk_engine=RiskEngineConfig(bypass=False))
    )
    engine.add_venue(VENUE, OmsType.NETTING, AccountType.MARGIN, [CASH], base_currency=USD)
    for instrument in instruments:
        engine.add_instrument(instrument)
    engine.add_data(trades(count, instruments), validate=False)
    strategy = Watcher(instruments)
    engine.add_strategy(strategy)
    gc.collect()
    gc.freeze()
    started = time.process_time()
    engine.run()
    seconds = time.process_time() - started
    return {"per_cpu_second": count / seconds, "bars": strategy.bars, "mode": "backtest"}


def importing() -> dict[str, Any]:
    """Import what a live node and a strategy need, in a fresh process."""
    return import_cost("import nautilus_trader.live.node, nautilus_trader.trading.strategy")


CASES = {**live_cases(sys.modules[__name__]), "bars": bars, "import": importing}
