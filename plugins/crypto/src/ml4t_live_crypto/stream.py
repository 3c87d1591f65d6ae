"""What an exchange tells of the account: orders and executions, in the order in which they came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Told = tuple[str, Row]
"""`order` or `trade`, and what ccxt says of it."""

_STREAMS = (("watchMyTrades", "watch_my_trades", "myTrades", "trade"), ("watchOrders", "watch_orders", "orders", "order"))
"""What ccxt calls the ability, the function, and where it keeps what came; and what that is. Executions come first."""


class Stream:
    """Hears from when it is started, so that nothing that happens while the account is read is missed."""

    def __init__(self, exchange: Any, kinds: Sequence[Mapping[str, str]]) -> None:
        self.told: asyncio.Queue[Told] = asyncio.Queue()
        self._exchange = exchange
        self._kinds = kinds
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Subscribe, and begin to hear."""
        loop = asyncio.get_running_loop()
        for ability, function, cache, what in _STREAMS:
            if self._exchange.has.get(ability) is True:
                for kind in self._kinds:
                    hear = self._hear(getattr(self._exchange, function), kind, cache, what)
                    self._tasks.append(loop.create_task(hear, name=f"{ability} of {self._exchange.id}"))

    async def until_open(self) -> None:
        """Wait until the exchange has said something on every websocket. Raises what a stream has ended with."""
        while not all(client.last_message_at for client in self._clients()) or not self._clients():
            for task in self._tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.005)

    async def run(self) -> None:
        """Go on until a stream ends, and raise what it has ended with."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def close(self) -> None:
        """Hear no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def _clients(self) -> list[Any]:
        return [client for url, client in (self._exchange.clients or {}).items() if "://" in url]

    async def _hear(self, watch: Callable[..., Awaitable[object]], kind: Mapping[str, str], cache: str, what: str) -> None:
        while True:
            await watch(params=dict(kind))
            kept = getattr(self._exchange, cache)
            # ccxt hands out one object for each order, which it changes later; and what has been read need not be kept.
            rows = [dict(row) for row in kept]
            kept.clear()
            for row in rows:
                self.told.put_nowait((what, row))
