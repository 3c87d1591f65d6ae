"""What happened, as the bytes of DBN records of a schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from attrs import frozen
from databento_dbn import (
    BBOMsg,
    BidAskPair,
    CBBOMsg,
    ConsolidatedBidAskPair,
    ErrorMsg,
    MBP1Msg,
    Metadata,
    OHLCVMsg,
    SymbolMappingMsg,
    SystemMsg,
    TradeMsg,
)

from ml4t.live.times import NANOS
from ml4t_live_databento.sdk import Action, Code, RType, Schema, Side, SType

PUBLISHER = 2
VERSION = 3
SPREAD = 10_000_000
"""From the price to the bid and to the ask: a cent."""
TICKS = 0
"""The interval of what is told as it happens."""


@frozen
class Happened:
    """One trade, or the bar of an interval. Prices are billionths; `time` is the start of a bar."""

    symbol: str
    time: int
    open: int
    high: int
    low: int
    close: int
    size: int


Encoder = Callable[[Happened, int], bytes]
"""Takes what happened, and the instrument's id."""


@frozen
class Series:
    """How a schema tells of what happened."""

    interval: int
    encode: Encoder
    skips: bool = False
    """A slow reader misses some of it, and is told so."""


def _trade(it: Happened, instrument: int) -> bytes:
    return bytes(
        TradeMsg(
            publisher_id=PUBLISHER,
            instrument_id=instrument,
            ts_event=it.time,
            price=it.close,
            size=it.size,
            action=Action.TRADE,
            side=Side.ASK,
            depth=0,
            ts_recv=it.time + 1_000,
            ts_in_delta=500,
            sequence=0,
        )
    )


def _book(it: Happened, instrument: int) -> bytes:
    return bytes(
        MBP1Msg(
            publisher_id=PUBLISHER,
            instrument_id=instrument,
            ts_event=it.time,
            price=it.close,
            size=it.size,
            action=Action.TRADE,
            side=Side.ASK,
            depth=0,
            ts_recv=it.time + 1_000,
            levels=BidAskPair(bid_px=it.close - SPREAD, ask_px=it.close + SPREAD, bid_sz=10, ask_sz=20),  # type: ignore[arg-type]  # the stub says a list
        )
    )


def _snapshot(interval: int) -> Encoder:
    rtype = RType.BBO_1S if interval == NANOS else RType.BBO_1M

    def encode(it: Happened, instrument: int) -> bytes:
        return bytes(
            BBOMsg(
                rtype=rtype,
                publisher_id=PUBLISHER,
                instrument_id=instrument,
                ts_event=it.time,
                price=it.close,
                size=it.size,
                side=Side.ASK,
                ts_recv=it.time + interval,
                levels=BidAskPair(bid_px=it.close - SPREAD, ask_px=it.close + SPREAD, bid_sz=10, ask_sz=20),  # type: ignore[arg-type]  # the stub says a list
            )
        )

    return encode


def _consolidated(interval: int) -> Encoder:
    rtype = RType.CBBO_1S if interval == NANOS else RType.CBBO_1M

    def encode(it: Happened, instrument: int) -> bytes:
        return bytes(
            CBBOMsg(
                rtype=rtype,
                publisher_id=PUBLISHER,
                instrument_id=instrument,
                ts_event=it.time,
                price=it.close,
                size=it.size,
                side=Side.ASK,
                ts_recv=it.time + interval,
                levels=ConsolidatedBidAskPair(bid_px=it.close - SPREAD, ask_px=it.close + SPREAD, bid_sz=10, ask_sz=20),  # type: ignore[arg-type]  # the stub says a list
            )
        )

    return encode


def _bar(rtype: Code) -> Encoder:
    def encode(it: Happened, instrument: int) -> bytes:
        return bytes(
            OHLCVMsg(
                rtype=rtype,
                publisher_id=PUBLISHER,
                instrument_id=instrument,
                ts_event=it.time,
                open=it.open,
                high=it.high,
                low=it.low,
                close=it.close,
                volume=it.size,
            )
        )

    return encode


SERIES: Mapping[str, Series] = {
    "trades": Series(TICKS, _trade),
    "tbbo": Series(TICKS, _book, skips=True),
    "mbp-1": Series(TICKS, _book, skips=True),
    "ohlcv-1s": Series(NANOS, _bar(RType.OHLCV_1S)),
    "ohlcv-1m": Series(60 * NANOS, _bar(RType.OHLCV_1M)),
    "ohlcv-1h": Series(3_600 * NANOS, _bar(RType.OHLCV_1H)),
    "ohlcv-1d": Series(86_400 * NANOS, _bar(RType.OHLCV_1D)),
    "bbo-1s": Series(NANOS, _snapshot(NANOS), skips=True),
    "bbo-1m": Series(60 * NANOS, _snapshot(60 * NANOS), skips=True),
    "cbbo-1s": Series(NANOS, _consolidated(NANOS), skips=True),
    "cbbo-1m": Series(60 * NANOS, _consolidated(60 * NANOS), skips=True),
}
"""By schema."""


def metadata(dataset: str, start: int) -> bytes:
    """Return the header of a session: it names no schema and no symbols."""
    header = Metadata(
        version=VERSION,
        dataset=dataset,
        start=start,
        stype_in=None,
        stype_out=SType.INSTRUMENT_ID,
        schema=None,
        end=None,
        limit=None,
        symbols=[],
        partial=[],
        not_found=[],
        mappings=[],
        ts_out=False,
    )
    return header.encode()


@frozen
class Interval:
    """The days on which a symbol is an instrument, as the SDK takes it."""

    start_date: date
    end_date: date
    symbol: str


@frozen
class Symbol:
    """What instruments a symbol is, as the SDK takes it."""

    raw_symbol: str
    intervals: list[Interval]


def download_header(dataset: str, schema: str, stype_in: str, start: int, end: int, symbols: Sequence[Symbol]) -> bytes:
    """Return the header of a download: it says everything."""
    header = Metadata(
        version=VERSION,
        dataset=dataset,
        start=start,
        stype_in=SType.from_str(stype_in),
        stype_out=SType.INSTRUMENT_ID,
        schema=Schema.from_str(schema),
        end=end,
        symbols=[each.raw_symbol for each in symbols],
        mappings=list(symbols),  # type: ignore[arg-type]  # the stub wants a class that the SDK does not have
    )
    return header.encode()


def mapping(symbol: str, instrument: int, stype_in: str, now: int) -> bytes:
    """Return what says which instrument a symbol is."""
    return bytes(
        SymbolMappingMsg(
            publisher_id=PUBLISHER,
            instrument_id=instrument,
            ts_event=now,
            stype_in=SType.from_str(stype_in),
            stype_in_symbol=symbol,
            stype_out=SType.INSTRUMENT_ID,
            stype_out_symbol=symbol if stype_in == "raw_symbol" else f"{symbol.partition('.')[0]}{instrument}",
            start_ts=now,
            end_ts=now + 86_400 * NANOS,
        )
    )


def system(code: Code, text: str, now: int) -> bytes:
    """Return a message that is no error."""
    return bytes(SystemMsg(ts_event=now, msg=text, code=code))


def error(code: Code, text: str, now: int) -> bytes:
    """Return an error."""
    return bytes(ErrorMsg(ts_event=now, err=text, is_last=True, code=code))
