"""What the simulated venue answers to requests, by method and path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ml4t_live_crypto.simulator.exchange import Exchange, Refusal
from ml4t_live_crypto.simulator.orders import ZERO, VenueOrder, plain
from ml4t_live_crypto.simulator.tape import LENGTHS, Tape

Query = Mapping[str, str]
T = TypeVar("T")
PAGE = 1000
PUBLIC = frozenset({"ping", "time", "exchangeInfo", "aggTrades", "trades", "klines", "ticker/24hr", "ticker/bookTicker"})
"""What needs no key."""


class Api:
    """Reads and changes the exchange. `now` is in milliseconds UTC."""

    def __init__(self, exchange: Exchange, tape: Tape, now: Callable[[], int]) -> None:
        self.page = PAGE
        self._exchange = exchange
        self._tape = tape
        self._now = now
        self._reads: Mapping[str, Callable[[Query], Any]] = {
            "ping": lambda _: {},
            "time": lambda _: {"serverTime": now()},
            "exchangeInfo": lambda _: {
                "timezone": "UTC", "serverTime": now(), "rateLimits": [], "exchangeFilters": [],
                "symbols": [pair.as_json() for pair in exchange.pairs.values()],
            },
            "aggTrades": self._trades,
            "klines": self._klines,
            "ticker/24hr": self._tickers,
            "ticker/bookTicker": lambda query: self.book(exchange.pair(query["symbol"]).id),
            "account": lambda _: self._account(),
            "openOrders": lambda query: [each.as_json() for each in exchange.working(query.get("symbol", ""))],
            "allOrders": self._orders,
            "order": lambda query: self._known(query).as_json(),
            "myTrades": self._fills,
        }  # fmt: skip

    def read(self, path: str, query: Query) -> Any:
        """Answer a question. Raises Refusal."""
        read = self._reads.get(path)
        if read is None:
            raise Refusal(-1000, f"Path {path} is not simulated.", 404)
        return read(query)

    def find(self, query: Query) -> VenueOrder | None:
        """Return the order that a request is about."""
        if query.get("orderId"):
            return self._exchange.orders.get(int(query["orderId"]))
        return self._exchange.by_client_id.get(query.get("origClientOrderId", ""))

    def book(self, pair: str) -> dict[str, Any]:
        """Return the best bid and ask of a pair, one tick away from its price."""
        price, tick = self._exchange.prices[pair], self._exchange.pairs[pair].tick
        return {"u": self._now(), "s": pair, "b": plain(price - tick), "B": "10.0", "a": plain(price + tick), "A": "10.0"}

    def _known(self, query: Query) -> VenueOrder:
        order = self.find(query)
        if order is None:
            raise Refusal(-2013, "Order does not exist.")
        return order

    def _account(self) -> dict[str, Any]:
        frozen = self._exchange.frozen()
        balances = [
            {"asset": asset, "free": plain(held - frozen.get(asset, ZERO)), "locked": plain(frozen.get(asset, ZERO))}
            for asset, held in self._exchange.balances.items()
        ]
        return {"accountType": "SPOT", "canTrade": True, "updateTime": self._now(), "balances": balances, "uid": 354937868}

    def _orders(self, query: Query) -> list[Any]:
        pair, start = self._exchange.pair(query.get("symbol", "")).id, int(query.get("startTime") or 0)
        found = [each for each in self._exchange.orders.values() if each.pair.id == pair and each.created >= start]
        return [each.as_json() for each in self._some(found, query)]

    def _some(self, found: list[T], query: Query) -> list[T]:
        """Return the first of them where a time is given to begin at, else the last."""
        limit = min(int(query.get("limit") or 500), self.page)
        return found[:limit] if query.get("startTime") else found[-limit:]

    def _fills(self, query: Query) -> list[Any]:
        pair, start = self._exchange.pair(query.get("symbol", "")).id, int(query.get("startTime") or 0)
        found = [each for each in self._exchange.executions.values() if each.order.pair.id == pair and each.time >= start]
        return [each.as_json() for each in self._some(found, query)]

    def _trades(self, query: Query) -> list[Any]:
        trades = self._tape.of(self._exchange.pair(query.get("symbol", "")).id).trades
        limit = min(int(query.get("limit") or 500), self.page)
        if query.get("fromId"):
            first = trades[0]["a"] if trades else 0
            at = max(0, int(query["fromId"]) - first)
            return [trades[place] for place in range(at, min(at + limit, len(trades)))]
        return [trades[place] for place in range(max(0, len(trades) - limit), len(trades))]

    def _klines(self, query: Query) -> list[Any]:
        interval, limit = query.get("interval", ""), min(int(query.get("limit") or 500), self.page)
        if interval not in LENGTHS:
            raise Refusal(-1120, "Invalid interval.")
        candles = self._tape.candles(self._exchange.pair(query.get("symbol", "")).id, interval)
        if query.get("startTime"):
            candles = [each for each in candles if each.start >= int(query["startTime"])][:limit]
        return [each.row(LENGTHS[interval]) for each in candles[-limit:]]

    def _tickers(self, query: Query) -> Any:
        if query.get("symbol"):
            return self._ticker(self._exchange.pair(query["symbol"]).id)
        asked = query.get("symbols", "").strip("[]").replace('"', "")
        return [self._ticker(self._exchange.pair(name).id) for name in asked.split(",") if name]

    def _ticker(self, pair: str) -> dict[str, Any]:
        book, price = self.book(pair), plain(self._exchange.prices[pair])
        now = self._now()
        return {
            "symbol": pair, "priceChange": "0", "priceChangePercent": "0", "weightedAvgPrice": price, "prevClosePrice": price,
            "lastPrice": price, "lastQty": "1.0", "bidPrice": book["b"], "bidQty": book["B"], "askPrice": book["a"],
            "askQty": book["A"], "openPrice": price, "highPrice": price, "lowPrice": price, "volume": "1", "quoteVolume": "1",
            "openTime": now - 86_400_000, "closeTime": now, "firstId": 1, "lastId": 2, "count": 1,
        }  # fmt: skip
