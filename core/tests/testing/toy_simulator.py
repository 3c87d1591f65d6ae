"""What the toy vendor's plugin is made of, behind its records."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from toy_broker import ToyBroker
from toy_feed import ToyFeed
from toy_plugin import BrokerConfig, FeedConfig, SimulatorConfig
from toy_server import KEY
from toy_source import SYMBOLS, ToySource
from toy_venue import ToyVenue

from ml4t.live.contracts import Sink
from ml4t.live.errors import ConfigError

VARIABLE = "TOY_KEY"
TICK_SECONDS = 0.02


class ToySimulator:
    """A toy venue and a toy source, with prices that move by themselves."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._venue, self._source = ToyVenue(config.kind), ToySource()
        self._venue.address = ("127.0.0.1", config.port)
        self._stack = ExitStack()
        self._closed = threading.Event()
        self._ticker = threading.Thread(target=self._tick, name="toy ticker")

    @property
    def address(self) -> tuple[str, int]:
        return self._venue.address

    @property
    def options(self) -> Mapping[str, Any]:
        host, port = self.address
        return {"host": host, "port": port, "data_port": self._source.address[1], "key": {"env": VARIABLE}}

    @property
    def environ(self) -> Mapping[str, str]:
        return {VARIABLE: KEY}

    def start(self) -> None:
        try:
            self._stack.enter_context(self._venue)
        except OSError:
            raise ConfigError([f"port {self.address[1]} is taken; write another"]) from None
        self._stack.enter_context(self._source)
        self._ticker.start()
        self._stack.callback(self._ticker.join)
        self._stack.callback(self._closed.set)

    def close(self) -> None:
        self._stack.close()

    def _tick(self) -> None:
        number = 0
        while not self._closed.wait(TICK_SECONDS):
            number += 1
            for symbol in SYMBOLS:
                price = 100.0 + number % 7
                self._venue.price(symbol, price)
                self._source.emit(symbol, price)


class ShortFeed(ToyFeed):
    """A feed whose data end."""

    def __init__(self, config: FeedConfig) -> None:
        super().__init__(config.symbols, (config.host, config.data_port), config.key.reveal())
        self._left = config.trades
        self._ended = asyncio.Event()

    async def run(self, sink: Sink) -> None:
        listening = asyncio.ensure_future(super().run(sink))
        ended = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait({listening, ended}, return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                listening.result()
        finally:
            listening.cancel()
            ended.cancel()
            await asyncio.gather(listening, ended, return_exceptions=True)

    def _pushed(self, message: dict[str, Any]) -> None:
        self._left -= 1
        if self._left < 0:
            self._ended.set()
        else:
            super()._pushed(message)


def feed(config: FeedConfig) -> ShortFeed:
    return ShortFeed(config)


def broker(config: BrokerConfig) -> ToyBroker:
    address = ("127.0.0.1", config.straight_to) if config.straight_to else (config.host, config.port)
    return ToyBroker(address, config.key.reveal())
