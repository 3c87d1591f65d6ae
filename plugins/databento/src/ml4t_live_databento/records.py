"""Databento's records as the framework's events."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from databento_dbn import UNDEF_PRICE, BBOMsg, CBBOMsg, MBP1Msg, OHLCVMsg, TradeMsg

from ml4t.live.model import Bar, MarketEvent, Quote, Trade
from ml4t.live.times import NANOS
from ml4t_live_databento.sdk import Action

SOURCE = "databento"
FIXED = 1e9
"""Prices are integers, billionths of the unit: this division rounds once."""
INTERVALS: Mapping[str, int] = {
    "ohlcv-1s": NANOS,
    "ohlcv-1m": 60 * NANOS,
    "ohlcv-1h": 3_600 * NANOS,
    "ohlcv-1d": 86_400 * NANOS,
}
"""The length of a bar, by schema."""

Maker = Callable[[str, Any, bool, list[MarketEvent]], None]
"""Appends the events that a record of a symbol tells of, flagged as fetched after the fact or not."""

_TRADE = Action.TRADE


def add_trade(symbol: str, record: TradeMsg, backfilled: bool, events: list[MarketEvent]) -> None:
    """Append a trade."""
    price = record.price
    if price != UNDEF_PRICE:
        size = record.size
        events.append(Trade(symbol, record.ts_event, price / FIXED, float(size), time.time_ns(), SOURCE, "", backfilled))


def add_book(symbol: str, record: MBP1Msg, backfilled: bool, events: list[MarketEvent]) -> None:
    """Append the best bid and ask, and after it the trade that a record of one tells of."""
    _add_quote(symbol, record, record.ts_event, backfilled, events)
    if record.action == _TRADE:
        add_trade(symbol, record, backfilled, events)  # type: ignore[arg-type]  # what is read of it, both have


def add_snapshot(symbol: str, record: BBOMsg | CBBOMsg, backfilled: bool, events: list[MarketEvent]) -> None:
    """Append the best bid and ask at the end of an interval. `ts_event` is that of the last trade, or not there at all."""
    _add_quote(symbol, record, record.ts_recv, backfilled, events)


def to_bar(symbol: str, record: OHLCVMsg, interval: int, backfilled: bool) -> Bar | None:
    """Return a bar of an interval (nanoseconds), None when it has no price."""
    if UNDEF_PRICE in (record.open, record.high, record.low, record.close):
        return None
    return Bar(
        symbol,
        record.ts_event,
        record.open / FIXED,
        record.high / FIXED,
        record.low / FIXED,
        record.close / FIXED,
        float(record.volume),
        interval,
        True,
        backfilled,
        time.time_ns(),
        SOURCE,
    )


MAKERS: Mapping[type, Maker] = {TradeMsg: add_trade, MBP1Msg: add_book, BBOMsg: add_snapshot, CBBOMsg: add_snapshot}
"""By the type of a record; bars are put together by interval first."""


def _add_quote(symbol: str, record: Any, when: int, backfilled: bool, events: list[MarketEvent]) -> None:
    """Append a quote; a side that nobody offers is 0, as elsewhere, and no quote is made of two."""
    level = record.levels[0]
    bid, ask = level.bid_px, level.ask_px
    if bid == UNDEF_PRICE and ask == UNDEF_PRICE:
        return
    events.append(
        Quote(
            symbol,
            when,
            0.0 if bid == UNDEF_PRICE else bid / FIXED,
            0.0 if ask == UNDEF_PRICE else ask / FIXED,
            float(level.bid_sz),
            float(level.ask_sz),
            time.time_ns(),
            SOURCE,
            backfilled,
        )
    )
