"""The cases on nautilus_trader 2.x (release candidates): a live node, a Python data client, strategy and execution client.

The node is a LiveNode with its risk engine on, on the standard event loop (uvloop is no longer among its dependencies),
logging errors only. Everything else is as in `nautilus_v1`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import sys
import time
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from measure import ORDER_EVERY, PRICES, SETTLE_SECONDS, START, TICK, Marks, Window, import_cost
from nautilus_live import live_cases
from nautilus_trader.backtest import BacktestEngine
from nautilus_trader.common import LoggerConfig, LogLevel
from nautilus_trader.config import (
    BacktestEngineConfig,
    DataClientConfig,
    ExecutionClientConfig,
    LiveExecutionEngineConfig,
    LiveNodeConfig,
    LiveRiskEngineConfig,
    RoutingConfig,
)
from nautilus_trader.execution import MakerTakerFeeModel
from nautilus_trader.live import LiveNode
from nautilus_trader.live.clients import DataClientFactory, ExecutionClient, ExecutionClientFactory, MarketDataClient
from nautilus_trader.model import (
    AccountBalance,
    AccountId,
    AccountType,
    AggressorSide,
    BarType,
    Currency,
    Equity,
    InstrumentId,
    LiquiditySide,
    Money,
    OmsType,
    OrderSide,
    Price,
    Quantity,
    Symbol,
    TradeId,
    TradeTick,
    Venue,
    VenueOrderId,
)
from nautilus_trader.trading import Strategy

RATE = "1000000000/00:00:01"  # the risk engine throttles orders otherwise
VENUE = Venue("BENCH")
USD = Currency.from_str("USD")
CASH = Money(1_000_000_000, USD)
ONE = Quantity(1, 0)
PRICE = Price(100, 2)
ERRORS = LoggerConfig(stdout_level=LogLevel.ERROR)


def shares(count: int) -> list[Equity]:
    """Return some instruments."""
    return [
        Equity(
            instrument_id=InstrumentId(Symbol(f"S{n}"), VENUE),
            raw_symbol=Symbol(f"S{n}"),
            currency=USD,
            price_precision=2,
            price_increment=Price(0.01, 2),
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
    buyer = AggressorSide.BUY
    return [
        TradeTick(ids[n % len(ids)], prices[n * 7919 % 101], ONE, buyer, TradeId(str(n)), START + n * apart, START + n * apart)
        for n in range(count)
    ]


class Feed(MarketDataClient):
    """Hands over the instruments, and runs `pump` once everything is subscribed."""

    def __init__(self, pump: Callable[[Feed], Coroutine[Any, Any, None]], instruments: list[Equity], **given: Any) -> None:
        super().__init__(venue=VENUE, **given)
        self._pump = pump
        self._instruments = instruments
        self._expected = len(instruments)

    async def _connect(self) -> None:
        for instrument in self._instruments:
            self._handle_instrument(instrument)

    async def _disconnect(self) -> None:
        pass

    async def _subscribe_trades(self, command: Any) -> None:
        self._expected -= 1
        if self._expected == 0:
            self.create_task(self._pump(self))

    def push(self, tick: TradeTick) -> None:
        """Hand a tick to the data engine."""
        self._handle_data(tick)


class Desk(ExecutionClient):
    """Submits, accepts and fills at once; notes when an order came in."""

    def __init__(self, entered: list[int], **given: Any) -> None:
        super().__init__(
            venue=VENUE,
            account_id=AccountId("EXEC-001"),
            account_type=AccountType.MARGIN,
            oms_type=OmsType.NETTING,
            base_currency=USD,
            **given,
        )
        self._entered = entered
        self._numbers = itertools.count(1)

    async def _connect(self) -> None:
        self.generate_account_state([AccountBalance(CASH, Money(0, USD), CASH)], [], True, self.clock.timestamp_ns())

    async def _disconnect(self) -> None:
        pass

    async def _submit_order(self, command: Any) -> None:
        self._entered.append(time.perf_counter_ns())
        order = command.order
        number = next(self._numbers)
        venue_order_id = VenueOrderId(str(number))
        now = self.clock.timestamp_ns()
        self.generate_order_submitted(order)
        self.generate_order_accepted(order, venue_order_id, now)
        self.generate_order_filled(
            order,
            venue_order_id,
            None,
            TradeId(str(number)),
            order.quantity,
            PRICE,
            USD,
            Money(0, USD),
            LiquiditySide.TAKER,
            now,
        )


class Trader(Strategy):
    """Counts; with the last tick of a burst it sends an order and says that it has seen the burst."""

    def prepare(self, instruments: list[Equity], burst_seen: Callable[[], None], marks: Marks | None) -> None:
        """Stand in for a constructor: the base class is native and takes a configuration only."""
        self._instruments = instruments
        self._burst_seen = burst_seen
        self._marks = marks
        self.calls = 0
        self.fills = 0
        self.side = OrderSide.BUY

    def on_start(self) -> None:
        """Subscribe."""
        for instrument in self._instruments:
            self.subscribe_trades(instrument.id)

    def on_trade(self, trade: TradeTick) -> None:
        """Count."""
        self.calls += 1
        if self.calls % ORDER_EVERY == 0:
            self.submit_order(self.order_factory.market(trade.instrument_id, self.side, ONE))
            self.side = OrderSide.SELL if self.side == OrderSide.BUY else OrderSide.BUY
            self._burst_seen()
        if self._marks is not None:
            self._marks.see(self.calls)

    def on_order_filled(self, event: Any) -> None:
        """Count."""
        self.fills += 1


class Submitter(Strategy):
    """Sends an order with every tick and says when it has been filled."""

    def prepare(self, instruments: list[Equity], asked: list[int], filled: Callable[[], None]) -> None:
        """Stand in for a constructor."""
        self._instrument = instruments[0]
        self._asked = asked
        self._filled = filled

    def on_start(self) -> None:
        """Subscribe."""
        self.subscribe_trades(self._instrument.id)

    def on_trade(self, trade: TradeTick) -> None:
        """Send an order, alternately buying and selling."""
        side = OrderSide.BUY if len(self._asked) % 2 == 0 else OrderSide.SELL
        self._asked.append(time.perf_counter_ns())
        self.submit_order(self.order_factory.market(trade.instrument_id, side, ONE))

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

    class Feeds(DataClientFactory):
        @staticmethod
        def create(*, name: str, config: Any, cache: Any, clock: Any) -> Feed:
            return Feed(pump, instruments, name=name, config=config, cache=cache, clock=clock)

    class Desks(ExecutionClientFactory):
        @staticmethod
        def create(*, name: str, config: Any, cache: Any, clock: Any, trader_id: Any) -> Desk:
            return Desk(entered, name=name, config=config, cache=cache, clock=clock, trader_id=trader_id)

    routing = RoutingConfig(default=True)
    config = LiveNodeConfig(
        logging=ERRORS,
        risk_engine=LiveRiskEngineConfig(bypass=False, max_order_submit_rate=RATE),
        exec_engine=LiveExecutionEngineConfig(reconciliation=False),
        data_clients={"FEED": DataClientConfig(routing=routing)},
        exec_clients={"EXEC": ExecutionClientConfig(routing=routing)},
        delay_post_stop_secs=0.1,
    )
    node = LiveNode.build("bench", config, data_factories={"FEED": Feeds}, exec_factories={"EXEC": Desks})
    node.add_strategy(strategy)

    async def main() -> None:
        closed = window.make()
        running = asyncio.ensure_future(node.run_async())
        await asyncio.wait([running, asyncio.ensure_future(closed.wait())], return_when=asyncio.FIRST_COMPLETED)
        if not closed.is_set():
            await running
            raise RuntimeError("the node ended early")
        await asyncio.sleep(SETTLE_SECONDS)  # the last order is filled
        node.handle().stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(running, 5)

    asyncio.run(main())


def trader(instruments: list[Equity], burst_seen: Callable[[], None], marks: Marks | None = None) -> Trader:
    """Return a trader: a strategy of this version takes no arguments of its own."""
    made = Trader()
    made.prepare(instruments, burst_seen, marks)
    return made


def submitter(instruments: list[Equity], asked: list[int], filled: Callable[[], None]) -> Submitter:
    """Return a submitter."""
    made = Submitter()
    made.prepare(instruments, asked, filled)
    return made


class Watcher(Strategy):
    """Subscribes to bars made inside the engine, and counts them."""

    def prepare(self, instruments: list[Equity]) -> None:
        """Stand in for a constructor."""
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
    engine = BacktestEngine(BacktestEngineConfig(logging=ERRORS))
    free = MakerTakerFeeModel(Decimal(0), Decimal(0))
    engine.add_venue(VENUE, OmsType.NETTING, AccountType.MARGIN, [CASH], base_currency=USD, fee_model=free)
    for instrument in instruments:
        engine.add_instrument(instrument)
    engine.add_data(trades(count, instruments), validate=False)
    strategy = Watcher()
    strategy.prepare(instruments)
    engine.add_strategy(strategy)
    gc.collect()
    gc.freeze()
    started = time.process_time()
    engine.run()
    seconds = time.process_time() - started
    return {"per_cpu_second": count / seconds, "bars": strategy.bars, "mode": "backtest"}


def importing() -> dict[str, Any]:
    """Import what a live node and a strategy need, in a fresh process."""
    return import_cost("import nautilus_trader.live, nautilus_trader.trading")


CASES = {**live_cases(sys.modules[__name__]), "bars": bars, "import": importing}
