"""The price that a market event tells, and the moment from which it was known."""

from __future__ import annotations

from math import isfinite

from ml4t.live.model import Bar, MarketEvent, Quote, Trade


def observed(event: MarketEvent) -> tuple[int, float] | None:
    """Return (nanoseconds UTC, price), or None when the event tells no usable price.

    A trade tells its price, a quote its mid, a complete bar its close, at its end.
    """
    if isinstance(event, Trade):
        time, price = event.event_time, event.price
    elif isinstance(event, Quote):
        if not (event.bid > 0 and event.ask > 0):
            return None
        time, price = event.event_time, event.mid
    elif isinstance(event, Bar) and event.complete:
        time, price = event.end_time, event.close
    else:
        return None
    return (time, price) if price > 0 and isfinite(price) else None
