"""Databento's records as the framework's events."""

from __future__ import annotations

from databento_dbn import UNDEF_PRICE, BBOMsg, CBBOMsg, MBP1Msg, OHLCVMsg, TradeMsg

from ml4t.live.model import Bar, Quote, Trade

SOURCE = "databento"
FIXED = 1e9
"""Prices are integers, billionths of the unit: this division rounds once."""


def to_trade(symbol: str, record: TradeMsg | MBP1Msg, received: int | None, backfilled: bool) -> Trade | None:
    """Return a trade, None when it has no price. A record has no number that is a trade's own, so `trade_id` is empty."""
    price = record.price
    if price == UNDEF_PRICE:
        return None
    return Trade(symbol, record.ts_event, price / FIXED, float(record.size), received, SOURCE, "", backfilled)


def to_quote(
    symbol: str, record: MBP1Msg | BBOMsg | CBBOMsg, when: int, received: int | None, backfilled: bool
) -> Quote | None:
    """Return the best bid and ask. A side that nobody offers is 0, as elsewhere; None when there is neither."""
    level = record.levels[0]
    bid, ask = level.bid_px, level.ask_px
    if bid == UNDEF_PRICE and ask == UNDEF_PRICE:
        return None
    return Quote(
        symbol,
        when,
        0.0 if bid == UNDEF_PRICE else bid / FIXED,
        0.0 if ask == UNDEF_PRICE else ask / FIXED,
        float(level.bid_sz),
        float(level.ask_sz),
        received,
        SOURCE,
        backfilled,
    )


def to_bar(symbol: str, record: OHLCVMsg, interval: int, received: int | None, backfilled: bool) -> Bar | None:
    """Return a bar of so many nanoseconds, None when it has no price."""
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
        received,
        SOURCE,
    )
