"""A bracket from a strategy through the whole engine, while the line fails and the exits trade behind its back."""

from __future__ import annotations

import asyncio

from okx_kit import until

from ml4t.live import LiveEngine, LiveRiskConfig
from ml4t.live.config import EngineSettings
from ml4t.live.model import OrderState
from ml4t_live_okx.rig import broker_at, feed_at, still

SWAP = "ETH-USDT-SWAP"


class Bracketed:
    """Buys once, with a stop and a target."""

    def __init__(self):
        self.orders = ()

    def on_data(self, timestamp, data, context, broker):
        if not self.orders:
            self.orders = broker.submit_bracket(SWAP, 2.0, 110.0, 90.0)


def test_a_bracket_ends_right_though_its_stop_is_reached_while_nobody_is_connected(tmp_path):
    async def run():
        with still() as venue:
            strategy = Bracketed()
            engine = LiveEngine(
                strategy,
                broker_at(venue, products=("swap",)),
                feed_at(venue, SWAP),
                risk=LiveRiskConfig(execution_mode="paper"),
                state_dir=tmp_path,
                settings=EngineSettings(reconcile_seconds=0.5),
            )
            running = asyncio.create_task(engine.run())
            await until(lambda: venue.subscriptions)
            async with asyncio.timeout(60):
                while not strategy.orders:  # nothing is decided before the books are compared
                    venue.emit(SWAP, 100.0)
                    await asyncio.sleep(0.01)
            await until(lambda: len([each for each in venue.orders() if each.is_open]) == 2)
            venue.refuse_connections(True)
            venue.drop()
            venue.price(SWAP, 89.0)
            venue.refuse_connections(False)

            def ends():
                return [(engine.core.desk.orders.get(each.order_id) or each).state for each in strategy.orders]

            await until(lambda: ends() == [OrderState.FILLED, OrderState.CANCELLED, OrderState.FILLED], 30)
            assert venue.positions() == {}
            await engine.stop()
            await running

    asyncio.run(run())
