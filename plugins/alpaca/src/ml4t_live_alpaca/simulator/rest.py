"""The simulated REST API: account, orders, activities, assets, clock, calendar and the history of the market."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import frozen

from ml4t.live.times import NANOS
from ml4t_live_alpaca.simulator.exchange import Exchange
from ml4t_live_alpaca.simulator.intake import Refusal
from ml4t_live_alpaca.simulator.orders import VenueOrder, asset_class, asset_id
from ml4t_live_alpaca.simulator.tape import Tape
from ml4t_live_alpaca.simulator.wire import Request
from ml4t_live_alpaca.symbols import is_crypto
from ml4t_live_alpaca.times import from_text, to_text

ACTIVITIES_PER_PAGE = 100
ORDERS_PER_PAGE = 500
RECORDS_PER_PAGE = 10_000
Answered = tuple[int, Any]


@frozen
class Took:
    """An order was taken; `change` lets what was asked for happen after the answer has been decided on."""

    order: VenueOrder
    change: Callable[[], None]


class Api:
    """Answers requests from the exchange's books and the tape."""

    def __init__(self, exchange: Exchange, tape: Tape, now: Callable[[], int], *, requests_per_minute: int, sip: bool) -> None:
        self.page_limit = RECORDS_PER_PAGE
        """No page of market history is longer than this."""
        self.clock_ahead = 0
        """By how many nanoseconds the clock is wrong that it shows to others."""
        self._exchange = exchange
        self._tape = tape
        self._now = now
        self._limit = requests_per_minute
        self._sip = sip
        self._recent: deque[int] = deque()

    def limited(self) -> bool:
        """Count a request; True when there were too many in the last minute."""
        now = self._now()
        while self._recent and self._recent[0] < now - 60 * NANOS:
            self._recent.popleft()
        if self._limit and len(self._recent) >= self._limit:
            return True
        self._recent.append(now)
        return False

    def answer(self, request: Request) -> Answered | Took:
        """Answer one request. Raises Refusal."""
        path, method = request.path, request.method
        if path.startswith("/v2/orders"):
            return self._orders(request)
        if method != "GET":
            raise Refusal(405, 40510000, "method not allowed")
        return 200, self._read(path, request.query)

    def _read(self, path: str, query: Mapping[str, str]) -> Any:  # noqa: PLR0911 - one line an endpoint
        books, prices = self._exchange.books, self._exchange.prices
        match path.split("/")[1:]:
            case ["v2", "account"]:
                return books.account(prices, self._exchange.reserved())
            case ["v2", "account", "activities", *kind]:
                return self._activities(query, "".join(kind))
            case ["v2", "positions"]:
                return books.positions(prices)
            case ["v2", "clock"]:
                return self._clock()
            case ["v2", "calendar"]:
                return self._calendar(query)
            case ["v2", "assets", *symbol]:
                return self._asset("/".join(symbol))
            case ["v2", "stocks", kind] | ["v1beta3", "crypto", "us", kind]:
                return self._history(query, kind)
        raise Refusal(404, 40410000, "endpoint not found")

    # ------------------------------------------------------------------ orders

    def _orders(self, request: Request) -> Answered | Took:
        exchange = self._exchange
        body = json.loads(request.body) if request.body else {}
        match request.method, request.path:
            case "POST", "/v2/orders":
                order = exchange.submit(body)
                return Took(order, lambda: exchange.begin(order))
            case "GET", "/v2/orders":
                return 200, self._listed(request.query)
            case "GET", "/v2/orders:by_client_order_id":
                return 200, self._found(exchange.by_client_id, request.query.get("client_order_id", "")).as_json()
        order = self._found(exchange.orders, request.path.removeprefix("/v2/orders/"))
        match request.method:
            case "GET":
                return 200, order.as_json()
            case "DELETE":
                exchange.cancel(order)
                return 204, None
            case "PATCH":
                new = exchange.replace(order, body)
                return Took(new, lambda: exchange.replaced(order, new))
        raise Refusal(405, 40510000, "method not allowed")

    @staticmethod
    def _found(orders: dict[str, VenueOrder], name: str) -> VenueOrder:
        if name not in orders:
            raise Refusal(404, 40410000, f"order not found for {name}")
        return orders[name]

    def _listed(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        wanted = query.get("status", "open")
        nested = query.get("nested", "false").lower() == "true"
        after, until = _time(query.get("after"), 0), _time(query.get("until"), 2**63)
        descending = query.get("direction", "desc") == "desc"
        limit = min(int(query.get("limit", 50)), ORDERS_PER_PAGE)
        found = []
        every = list(self._exchange.orders.values())
        for order in reversed(every) if descending else every:
            fits = wanted == "all" or order.is_working == (wanted == "open")
            if fits and after < order.created_at < until and not (nested and order.parent is not None):
                found.append(order.as_json(nested=nested))
            if len(found) == limit:
                break
        return found

    # ------------------------------------------------------------------ the account and the market's days

    def _activities(self, query: Mapping[str, str], kind: str) -> list[dict[str, Any]]:
        if kind not in {"", "FILL"}:
            return []
        after, until = _time(query.get("after"), 0), _time(query.get("until"), 2**63)
        records = [each for each in self._exchange.books.executions.values() if after < each.time < until]
        if query.get("direction", "desc") == "desc":
            records.reverse()
        token = query.get("page_token")
        start = next((place + 1 for place, each in enumerate(records) if each.activity_id == token), 0)
        size = min(int(query.get("page_size", ACTIVITIES_PER_PAGE)), ACTIVITIES_PER_PAGE)
        return [each.activity() for each in records[start : start + size]]

    def _asset(self, name: str) -> dict[str, Any]:
        for symbol in self._exchange.prices:
            if name in {symbol, symbol.replace("/", ""), asset_id(symbol)}:
                crypto = is_crypto(symbol)
                return {
                    "id": asset_id(symbol),
                    "class": asset_class(symbol),
                    "exchange": "CRYPTO" if crypto else "NASDAQ",
                    "symbol": symbol,
                    "name": symbol,
                    "status": "active",
                    "tradable": True,
                    "marginable": not crypto,
                    "shortable": not crypto,
                    "easy_to_borrow": not crypto,
                    "fractionable": True,
                    **(
                        {"min_order_size": "0.0001", "min_trade_increment": "0.0001", "price_increment": "0.01"}
                        if crypto
                        else {}
                    ),
                }
        raise Refusal(404, 40410000, f"asset not found for {name}")

    def _clock(self) -> dict[str, Any]:
        shown = self._now() + self.clock_ahead
        now = datetime.fromtimestamp(shown // NANOS, UTC)
        return {
            "timestamp": to_text(shown),
            "is_open": self._exchange.open,
            "next_open": (now + timedelta(hours=18)).isoformat(),
            "next_close": (now + timedelta(hours=6)).isoformat(),
        }

    @staticmethod
    def _calendar(query: Mapping[str, str]) -> list[dict[str, Any]]:
        day = datetime.fromisoformat(query.get("start", "2026-01-05")).replace(tzinfo=UTC)
        end = datetime.fromisoformat(query.get("end", "2026-12-31")).replace(tzinfo=UTC)
        days = []
        while day <= end:
            if day.weekday() < 5:
                hours = {"open": "09:30", "close": "16:00", "session_open": "0400", "session_close": "2000"}
                days.append({"date": day.date().isoformat(), **hours})
            day += timedelta(days=1)
        return days

    # ------------------------------------------------------------------ market history

    def _history(self, query: Mapping[str, str], kind: str) -> dict[str, Any]:
        if query.get("feed") == "sip" and not self._sip:
            raise Refusal(403, 40310000, "subscription does not permit querying recent SIP data")
        symbols = query.get("symbols", "").split(",")
        start, end = _time(query.get("start"), 0), _time(query.get("end"), 2**63)
        found = [record for symbol in symbols for record in self._records(symbol, kind) if start <= record["t"] <= end]
        size = min(int(query.get("limit") or 1000), self.page_limit)
        place = int(query.get("page_token") or 0)
        page: dict[str, list[dict[str, Any]]] = {}
        for record in found[place : place + size]:
            shown = {name: value for name, value in record.items() if name not in {"T", "S"}}
            page.setdefault(record["S"], []).append({**shown, "t": to_text(record["t"])})
        following = str(place + size) if place + size < len(found) else None
        return {kind: page, "next_page_token": following}

    def _records(self, symbol: str, kind: str) -> Sequence[dict[str, Any]]:
        if symbol not in self._exchange.prices:
            return ()
        history = self._tape.of(symbol)
        return history.trades if kind == "trades" else history.bars


def _time(text: str | None, otherwise: int) -> int:
    return otherwise if not text else from_text(text) if "T" in text else from_text(f"{text}T00:00:00Z")
