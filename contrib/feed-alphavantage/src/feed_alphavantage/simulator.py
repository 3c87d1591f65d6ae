"""Alpha Vantage on 127.0.0.1: bars of minutes or days, and everything that it says instead of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ml4t.live.testing.http_server import Request, Response
from ml4t.live.testing.polled import PolledSource
from ml4t.live.times import to_datetime, to_nanoseconds

NEW_YORK = ZoneInfo("America/New_York")
OPENING = datetime(2026, 1, 5, 9, 30, tzinfo=NEW_YORK)
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


def message(name: str, text: str) -> Response:
    """Return one of its messages: whatever is wrong comes with status 200."""
    return Response.json({name: text})


class AlphaVantageSimulator(PolledSource):
    """Bars of minutes or days of some symbols; `emit` adds the next minute of a trading day that is long over."""

    def __init__(self, symbols: Iterable[str] = ("IBM", "MSFT"), *, start: datetime = OPENING) -> None:
        self.series: dict[str, dict[str, dict[str, str]]] = {}
        super().__init__(symbols, to_nanoseconds(start))

    def following(self, moment: int) -> int:
        """Return the next minute of trading, nights and weekends left out."""
        later = to_datetime(moment).astimezone(NEW_YORK) + timedelta(minutes=1)
        if later.hour >= _CLOSE:
            later = (later + timedelta(days=1)).replace(hour=_OPEN, minute=0)
        while later.weekday() >= 5:
            later += timedelta(days=1)
        return to_nanoseconds(later)

    def place(self, symbol: str, start: int, price: float, size: float) -> None:
        """Write the row of a minute."""
        self.put(symbol, to_datetime(start).astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S"), price, size)

    def put(self, symbol: str, label: str, price: float, size: float = 1.0) -> None:
        """Write a row as it is sent; `label` is a day, or a minute in New York."""
        names = ("1. open", "2. high", "3. low", "4. close")
        row = {**dict.fromkeys(names, f"{price:.4f}"), "5. volume": f"{size:.0f}"}
        self.series.setdefault(symbol, {})[label] = row

    def tell(self, request: Request) -> Response:
        """Answer with bars, or with the message that it has for a wrong question."""
        query = dict(request.query)
        symbol = query.get("symbol", "")
        if query.get("apikey") != KEY:
            return message("Error Message", NO_KEY)
        if symbol not in self.series:
            return message("Error Message", INVALID.format(function=query["function"]))
        self.heard(request, symbol)
        return Response.json(self._series(query, symbol))

    def _series(self, query: dict[str, str], symbol: str) -> dict[str, object]:
        newest = sorted(self.series[symbol], reverse=True)
        labels = newest if query["outputsize"] == "full" else newest[:COMPACT]
        daily = query["function"] == "TIME_SERIES_DAILY"
        meta = {"2. Symbol": symbol, ("5." if daily else "6.") + " Time Zone": "US/Eastern"}
        name = "Time Series (Daily)" if daily else f"Time Series ({query['interval']})"
        return {"Meta Data": meta, name: {label: self.series[symbol][label] for label in labels}}
