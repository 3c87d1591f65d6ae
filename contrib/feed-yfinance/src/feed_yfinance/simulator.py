"""Yahoo's charts on 127.0.0.1, and what it says instead of them."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

from ml4t.live.testing.http_server import Request, Response
from ml4t.live.testing.polled import PolledSource
from ml4t.live.times import NANOS

PATH = "/v8/finance/chart/"
NOT_FOUND = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
_MINUTE = 60
_AGO = 5 * 86_400

Row = tuple[int, tuple[float | None, ...]]


class YahooSimulator(PolledSource):
    """Charts of some symbols; `emit` adds the next minute, the first of them five days ago.

    `market_time` is the `regularMarketTime` of its charts (seconds); None is the end of the last bar.
    """

    def __init__(self, symbols: Iterable[str] = ("SPY", "BTC-USD")) -> None:
        self.rows: dict[str, list[Row]] = {}
        self.zone = "America/New_York"
        self.market_time: int | None = None
        super().__init__(symbols, (int(time.time()) // _MINUTE * _MINUTE - _AGO) * NANOS)

    def place(self, symbol: str, start: int, price: float, size: float) -> None:
        """Write the row of a minute."""
        self.put(symbol, start // NANOS, price, size)

    def put(self, symbol: str, seconds: int, price: float | None, size: float | None = 1.0) -> None:
        """Write a row as it is sent; a price of None is a minute without trades."""
        self.rows.setdefault(symbol, []).append((seconds, (price, price, price, price, size)))

    def tell(self, request: Request) -> Response:
        """Answer a chart."""
        symbol = unquote(request.path.removeprefix(PATH))
        if not request.path.startswith(PATH) or symbol not in self.rows:
            return Response.json({"chart": {"result": None, "error": NOT_FOUND}}, 404)
        self.heard(request, symbol)
        first, last = int(request.query["period1"]), int(request.query["period2"])
        rows = [row for row in self.rows[symbol] if first <= row[0] < last]
        return Response.json({"chart": {"result": [self._chart(symbol, rows, request)], "error": None}})

    def _chart(self, symbol: str, rows: list[Row], request: Request) -> dict[str, Any]:
        market_time = self.market_time or (rows[-1][0] + _MINUTE if rows else self.present // NANOS)
        meta = {"symbol": symbol, "exchangeTimezoneName": self.zone, "regularMarketTime": market_time}
        meta["dataGranularity"] = request.query["interval"]
        if not rows:
            return {"meta": meta, "indicators": {"quote": [{}]}}
        columns = zip(*(values for _, values in rows), strict=True)
        quote = dict(zip(("open", "high", "low", "close", "volume"), map(list, columns), strict=True))
        return {"meta": meta, "timestamp": [seconds for seconds, _ in rows], "indicators": {"quote": [quote]}}
