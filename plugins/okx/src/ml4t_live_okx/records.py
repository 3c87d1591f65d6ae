# ruff: noqa: N815 - the fields of rows have the names that they have on the wire
"""OKX's market messages as events: what the websockets push, and what the history has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.json import Decoder

from ml4t.live.model import Bar, Quote, Trade
from ml4t.live.times import NANOS
from ml4t_live_okx.instruments import Listing
from ml4t_live_okx.times import from_millis, trade_time

SOURCE = "okx"
LENGTHS: Mapping[str, int] = {
    "1s": 1, "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1H": 3600, "2H": 7200, "4H": 14400, "6Hutc": 21600,
    "12Hutc": 43200, "1Dutc": 86400,
}  # fmt: skip
"""By OKX's name, the length of a candle in seconds."""

Row = Sequence[str]
"""A candle: start, open, high, low, close, volume in what OKX counts in, in coins, in money, and 1 when it is complete. Of a
spot pair the second volume is in money."""


class TradeRow(Struct):
    """A trade, or several of one taker at one price."""

    tradeId: int
    px: float
    sz: float
    ts: int


class QuoteRow(Struct):
    """The best of either side, which may be empty: price, size, nothing, and how many orders."""

    asks: list[tuple[float, float, str, str]]
    bids: list[tuple[float, float, str, str]]
    ts: int


class FundingRow(Struct):
    """A funding rate, due at `fundingTime`."""

    fundingRate: float
    fundingTime: int
    ts: int | None = None


class MarkRow(Struct):
    """A mark price."""

    markPx: float


# Numbers are texts on the wire; not strict, they are read as what they are.
trade_rows = Decoder(list[TradeRow], strict=False)
quote_rows = Decoder(list[QuoteRow], strict=False)
funding_rows = Decoder(list[FundingRow], strict=False)
mark_rows = Decoder(list[MarkRow], strict=False)
candle_rows = Decoder(list[list[str]])


class Market:
    """Makes events of rows of one instrument."""

    def __init__(self, listing: Listing, candle: str) -> None:
        self._symbol = listing.symbol
        self._inverse = listing.inverse
        self._contract = float(listing.contract)
        self._exact = listing.units
        self._spot = listing.kind == "SPOT"
        self._length = LENGTHS[candle] * NANOS

    def trade(self, row: TradeRow) -> Trade:
        """Return the event of a trade; its size is in coins."""
        return Trade(
            self._symbol, trade_time(row.ts, row.tradeId), row.px, self._units(row.sz, row.px), None, SOURCE, str(row.tradeId)
        )

    def quote(self, row: QuoteRow) -> Quote | None:
        """Return the event of a best bid and ask; None while one of them is missing."""
        if not row.asks or not row.bids:
            return None
        (ask, ask_size, *_), (bid, bid_size, *_) = row.asks[0], row.bids[0]
        sizes = self._units(bid_size, bid), self._units(ask_size, ask)
        return Quote(self._symbol, from_millis(row.ts), bid, ask, *sizes, None, SOURCE)

    def bar(self, row: Row, *, backfilled: bool = False) -> Bar:
        """Return the event of a candle; its volume is in coins."""
        prices = (float(row[1]), float(row[2]), float(row[3]), float(row[4]))
        volume = float(row[5] if self._spot else row[6])
        complete = row[8] == "1"
        return Bar(self._symbol, from_millis(row[0]), *prices, volume, self._length, complete, backfilled, None, SOURCE)

    def recorded(self, said: Mapping[str, Any]) -> Trade:
        """Return the event of a trade of the history."""
        price, when = float(said["px"]), trade_time(said["ts"], said["tradeId"])
        return Trade(self._symbol, when, price, self._exact(said["sz"], price), None, SOURCE, said["tradeId"], True)

    def _units(self, size: float, price: float) -> float:
        if self._contract == 1.0 and not self._inverse:
            return size
        return self._exact(size, price)
