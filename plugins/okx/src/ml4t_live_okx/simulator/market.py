"""The simulated market: trades that happen, candles that end, prices that walk, and recorded frames."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ml4t.live.times import NANOS
from ml4t_live_okx.simulator.algos import Algos
from ml4t_live_okx.simulator.config import OKXSimulatorConfig
from ml4t_live_okx.simulator.exchange import Exchange
from ml4t_live_okx.simulator.history import MarketHistory
from ml4t_live_okx.simulator.sockets import Sockets
from ml4t_live_okx.simulator.tape import Tape

MARK_EVERY = 10
"""Steps of the random walk between two pushes of funding rates."""


class Market:
    """What happens at the exchange: orders meet it, and whoever listens hears of it."""

    def __init__(
        self,
        config: OKXSimulatorConfig,
        exchange: Exchange,
        algos: Algos,
        tape: Tape,
        history: MarketHistory,
        sockets: Sockets,
        rng: random.Random,
    ) -> None:
        self._config = config
        self._exchange = exchange
        self._algos = algos
        self._tape = tape
        self._history = history
        self._sockets = sockets
        self._rng = rng

    def trade(self, instrument: str, price: float, size: float) -> dict[str, Any]:
        """Let a trade happen: whoever listens hears of it, and orders meet its price."""
        record = self._tape.trade(instrument, price, size, self._rng.choice(("buy", "sell")))
        self._sockets.push("trades", instrument, [{**record, "count": "1", "seqId": int(record["tradeId"])}])
        self._sockets.push("trades-all", instrument, [{**record, "source": "0"}])
        self._exchange.move(instrument, Decimal(repr(price)))
        self._algos.move(instrument)
        self._sockets.push("bbo-tbt", instrument, [self._history.book(instrument)])
        self._sockets.push("tickers", instrument, [self._history.ticker(instrument)])
        self.push_candles(instrument)
        return record

    def push_candles(self, instrument: str) -> None:
        """Send the candles that have ended, and the running ones of an instrument."""
        for ended, bar, candle in self._tape.close_candles():
            self.push_candle(ended, bar, candle.row(*self._contract(ended), complete=True))
        for bar, candle in self._tape.of(instrument).running.items():
            self.push_candle(instrument, bar, candle.row(*self._contract(instrument), complete=False))

    def push_candle(self, instrument: str, bar: str, row: list[str]) -> None:
        """Send a candle."""
        self._sockets.push(f"candle{bar}", instrument, [row])

    def emit_candle(self, instrument: str, bar: str, price: float, volume: float) -> int:
        """Let a complete candle happen; return its start in milliseconds UTC."""
        candle = self._tape.candle(instrument, bar, price, volume)
        contract, spot = self._contract(instrument)
        self.push_candle(instrument, bar, candle.row(contract, spot, complete=False))
        self.push_candle(instrument, bar, candle.row(contract, spot, complete=True))
        return candle.start

    def push_funding(self, instrument: str) -> None:
        """Send the mark price and the funding rate of a swap."""
        self._sockets.push("mark-price", instrument, [self._history.mark(instrument)])
        self._sockets.push("funding-rate", instrument, [self._history.funding(instrument)])

    def _contract(self, instrument: str) -> tuple[float, bool]:
        listed = self._exchange.catalogue[instrument]
        return float(listed.contract), not listed.is_contract

    async def walk(self) -> None:
        """Move every price by a normal step, again and again."""
        live = [each for each in self._exchange.catalogue.values() if each.state == "live"]
        steps = 0
        while True:
            await asyncio.sleep(self._config.tick / NANOS)
            steps += 1
            for listed in live:
                step = 1.0 + self._rng.gauss(0.0, self._config.volatility)
                price = max(listed.tick, Decimal(repr(float(self._exchange.prices[listed.id]) * step)).quantize(listed.tick))
                self.trade(listed.id, float(price), float(listed.smallest * self._rng.randint(1, 500)))
                if listed.kind == "SWAP" and steps % MARK_EVERY == 1:
                    self.push_funding(listed.id)

    async def replay(self, frames: Sequence[str]) -> None:
        """Send recorded frames at their distances in time, from when the first client has subscribed to something."""
        while not any(client.args for client in self._sockets.clients):  # noqa: ASYNC110 - it comes from outside
            await asyncio.sleep(0.01)
        first, began = None, time.monotonic()
        for line in frames:
            recorded = json.loads(line)
            first = recorded["at"] if first is None else first
            due = began + (recorded["at"] - first) / 1000 / self._config.replay_speed
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._sockets.push_raw(recorded["frame"])
