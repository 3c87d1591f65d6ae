"""Events that the market state refuses, told when a reason turns up for the first, the tenth, the hundredth time, and so on."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from ml4t.live.model import MarketEvent

_log = structlog.get_logger("ml4t.live")

_REASONS: Mapping[str, str] = {
    "price": "a price, a size or a volume is none, or a bar contradicts itself",
    "quote": "the bid is above the ask, or one of them is no price",
    "late": "it is older than what is known of the symbol",
    "future": "its time is more than an hour ahead of the clock; is its unit right?",
    "jump": "it is ten times off the last price, and nothing has confirmed it yet",
    "funding": "the rate is no number",
}


def tell_refused(reason: str, count: int, event: MarketEvent) -> None:
    """Log an event that was refused; `count` is how often that was the reason by now, which is why not all are told."""
    if count == 10 ** (len(str(count)) - 1):
        _log.warning("market data are refused", reason=reason, why=_REASONS[reason], count=count, said=repr(event))
