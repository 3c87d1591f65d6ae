"""A toy source of market data: trades, history, and the faults that the conformance kit asks for."""

from __future__ import annotations

import time
from typing import Any

from toy_server import Client, ToyServer

SYMBOLS = ("AAA", "BBB")


class ToySource(ToyServer):
    """Trades of two symbols."""

    def __init__(self) -> None:
        super().__init__()
        self._history: list[dict[str, Any]] = []
        self._wanted: dict[Client, set[str]] = {}
        self._last = 0

    @property
    def subscriptions(self) -> frozenset[str]:
        return self.call(lambda: frozenset(s for client in self.clients for s in self._wanted.get(client, ())))

    def emit(self, symbol: str, price: float, size: float = 1.0) -> int:
        return self.call(self._emit, symbol, price, size)

    def _emit(self, symbol: str, price: float, size: float) -> int:
        self._last = max(time.time_ns(), self._last + 1)
        trade = {"symbol": symbol, "time": self._last, "price": price, "size": size}
        self._history.append(trade)
        if not self.muted:
            for client in self.clients:
                if symbol in self._wanted.get(client, ()):
                    client.send(push="trade", trade=trade)
        return self._last

    def do_subscribe(self, client: Client, symbols: list[str]) -> dict[str, Any]:
        self._wanted[client] = set(symbols) & set(SYMBOLS)
        return {"unknown": sorted(set(symbols) - set(SYMBOLS))}

    def do_history(self, client: Client, symbol: str, start: int, end: int) -> dict[str, Any]:
        return {"trades": [each for each in self._history if each["symbol"] == symbol and start <= each["time"] < end]}
