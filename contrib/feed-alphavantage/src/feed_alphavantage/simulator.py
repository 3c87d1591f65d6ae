"""Alpha Vantage on 127.0.0.1: bars of minutes or days, and everything that it says instead of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ml4t.live.testing.http_server import HttpServer, Request, Response
from ml4t.live.times import to_nanoseconds

NEW_YORK = ZoneInfo("America/New_York")
KEY = "SIMULATED0KEY123"
COMPACT = 100
_OPEN, _CLOSE = 4, 20
"""The hours that trading lasts, with its extensions."""

LIMIT_A_DAY = (
    f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests per day. Please subscribe to any "
    "of the premium plans to instantly remove all daily rate limits."
)
LIMIT_A_MINUTE = (
    "Thank you for using Alpha Vantage! Our standard API call frequency is 5 calls per minute and 500 calls per day."
)
PREMIUM = "Thank you for using Alpha Vantage! This is a premium endpoint."
DEMO = "The **demo** API key is for demo purposes only. Please claim your free API key."
NO_KEY = "the parameter apikey is invalid or missing. Please claim your free API key."
INVALID = "Invalid API call. Please retry or visit the documentation for {function}."


class AlphaVantageSimulator(HttpServer):
    """Knows some symbols, each with one bar already; `emit` adds the next minute of a trading day that is long over.

    `says` is what it answers instead, oldest first: a `Response`, or the text of one of its messages under its name.
    """

    def __init__(self, symbols: Iterable[str] = ("IBM", "MSFT"), *, start: datetime | None = None) -> None:
        super().__init__()
        self._time = start or datetime(2026, 1, 5, 9, 30, tzinfo=NEW_YORK)
        self.series: dict[str, dict[str, dict[str, str]]] = {symbol: {} for symbol in symbols}
        for symbol in self.series:
            self.put(symbol, self._time.strftime("%Y-%m-%d %H:%M:%S"), 99.0)
        self.says: list[Response | tuple[str, str]] = []
        self.queries: list[dict[str, str]] = []
        self._asked: dict[object, set[str]] = {}

    @property
    def subscriptions(self) -> frozenset[str]:
        """The symbols that were asked for on a connection that is open."""
        return self.call(lambda: frozenset(s for each in self.open_connections for s in self._asked.get(each, ())))

    def emit(self, symbol: str, price: float, size: float = 1.0) -> int:
        """Let the next minute trade at one price; return its start, nanoseconds UTC."""

        def happen() -> int:
            self._time = _next_minute(self._time)
            self.put(symbol, self._time.strftime("%Y-%m-%d %H:%M:%S"), price, size)
            return to_nanoseconds(self._time)

        return self.call(happen)

    def put(self, symbol: str, label: str, price: float, size: float = 1.0) -> None:
        """Write a row as it is sent; `label` is a day, or a minute in New York."""
        names = ("1. open", "2. high", "3. low", "4. close")
        self.series[symbol][label] = {**dict.fromkeys(names, f"{price:.4f}"), "5. volume": f"{size:.0f}"}

    def answer(self, request: Request) -> Response:
        """Answer as they do: with status 200, whatever is wrong."""
        query = dict(request.query)
        self.queries.append(query)
        symbol = query.get("symbol", "")
        if query.get("apikey") != KEY:
            return Response.json({"Error Message": NO_KEY})
        if self.says:
            said = self.says.pop(0)
            return said if isinstance(said, Response) else Response.json(dict([said]))
        if symbol not in self.series:
            return Response.json({"Error Message": INVALID.format(function=query["function"])})
        self._asked.setdefault(request.connection, set()).add(symbol)
        return Response.json(self._series(query, symbol))

    def _series(self, query: dict[str, str], symbol: str) -> dict[str, object]:
        newest = sorted(self.series[symbol], reverse=True)
        labels = newest if query["outputsize"] == "full" else newest[:COMPACT]
        daily = query["function"] == "TIME_SERIES_DAILY"
        meta = {"2. Symbol": symbol, ("5." if daily else "6.") + " Time Zone": "US/Eastern"}
        name = "Time Series (Daily)" if daily else f"Time Series ({query['interval']})"
        return {"Meta Data": meta, name: {label: self.series[symbol][label] for label in labels}}


def _next_minute(time: datetime) -> datetime:
    """Return the next minute of trading, weekends and nights left out; a wall-clock time."""
    later = time + timedelta(minutes=1)
    if later.hour >= _CLOSE:
        later = (later + timedelta(days=1)).replace(hour=_OPEN, minute=0)
    while later.weekday() >= 5:
        later += timedelta(days=1)
    return later
