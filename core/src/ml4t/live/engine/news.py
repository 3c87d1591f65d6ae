"""What a strategy is told of a symbol: an event, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from ml4t.live.model import Bar, MarketEvent, Quote, Trade

News: TypeAlias = "MarketEvent | dict[str, Any]"
"""The one event of a symbol at a moment, or the values of several."""


def merged(known: News, event: MarketEvent) -> dict[str, Any]:
    """Return the values of what is known of a moment and of one more event, which says the last word."""
    return values_of(known) | values_of(event)


def data_of(group: Mapping[str, News]) -> dict[str, dict[str, Any]]:
    """Return what the symbols of a moment have news of, as a strategy sees it."""
    return {symbol: values_of(news) for symbol, news in group.items()}


def values_of(news: News) -> dict[str, Any]:
    """Return news as a strategy sees it: `price` always, of a bar the close and of a quote the mid."""
    kind = news.__class__
    if kind is Bar:
        return bar_values(news)  # type: ignore[arg-type]
    if kind is dict:
        return news  # type: ignore[return-value]
    if kind is Trade:
        return {"price": news.price, "size": news.size, "backfilled": news.backfilled}  # type: ignore[union-attr]
    if kind is Quote:
        return quote_values(news)  # type: ignore[arg-type]
    return {"funding_rate": news.rate}  # type: ignore[union-attr]


def quote_values(quote: Quote) -> dict[str, Any]:
    """Return a quote as a strategy sees it; `price` is the mid."""
    return {
        "price": (quote.bid + quote.ask) * 0.5,
        "bid": quote.bid,
        "ask": quote.ask,
        "bid_size": quote.bid_size,
        "ask_size": quote.ask_size,
        "backfilled": quote.backfilled,
    }


def bar_values(bar: Bar) -> dict[str, Any]:
    """Return a bar as a strategy sees it; `price` is the close, `signals` is where feature functions put theirs."""
    return {
        "price": bar.close,
        "open": bar.open,
        "high": bar.high,
        "low": bar.low,
        "close": bar.close,
        "volume": bar.volume,
        "complete": bar.complete,
        "backfilled": bar.backfilled,
        "signals": {},
    }
