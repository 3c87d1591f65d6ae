"""From records to events: one of these per connection or recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen
from databento_dbn import BBOMsg, CBBOMsg, MBP1Msg, OHLCVMsg, TradeMsg

from ml4t.live.model import MarketEvent
from ml4t.live.times import NANOS
from ml4t_live_databento.intervals import Intervals
from ml4t_live_databento.records import to_bar, to_quote, to_trade
from ml4t_live_databento.sdk import Action, Code, RType


@frozen
class Kind:
    """What the records of a schema are: their class, for those of an interval its length, and what tells two of them apart."""

    record: type
    interval: int = 0
    rtype: Code = None


KINDS: Mapping[str, Kind] = {
    "trades": Kind(TradeMsg),
    "tbbo": Kind(MBP1Msg),
    "mbp-1": Kind(MBP1Msg),
    "bbo-1s": Kind(BBOMsg, NANOS, RType.BBO_1S),
    "bbo-1m": Kind(BBOMsg, 60 * NANOS, RType.BBO_1M),
    "cbbo-1s": Kind(CBBOMsg, NANOS, RType.CBBO_1S),
    "cbbo-1m": Kind(CBBOMsg, 60 * NANOS, RType.CBBO_1M),
    "ohlcv-1s": Kind(OHLCVMsg, NANOS, RType.OHLCV_1S),
    "ohlcv-1m": Kind(OHLCVMsg, 60 * NANOS, RType.OHLCV_1M),
    "ohlcv-1h": Kind(OHLCVMsg, 3_600 * NANOS, RType.OHLCV_1H),
    "ohlcv-1d": Kind(OHLCVMsg, 86_400 * NANOS, RType.OHLCV_1D),
}
"""By schema."""

_TRADE = Action.TRADE


class Translator:
    """Collects the events that records of a schema tell of; others tell of nothing here.

    `ids` says which symbols an instrument is; those that nobody wants are not in it. `recorded` events have no time at which
    this machine saw them.
    """

    def __init__(
        self,
        schema: str,
        ids: Mapping[int, tuple[str, ...]],
        *,
        quiet_bars: bool,
        backfilled: bool = False,
        recorded: bool = False,
    ) -> None:
        self.events: list[MarketEvent] = []
        self._ids = ids
        self._backfilled = backfilled
        self._now: Callable[[], int | None] = _unseen if recorded else time.time_ns
        kind = KINDS[schema]
        self._record: type[Any] = kind.record
        self._rtype = kind.rtype
        self._is_bar = kind.record is OHLCVMsg
        self._interval = kind.interval
        self.intervals = Intervals(kind.interval, self._now, quiet_bars=quiet_bars, backfilled=backfilled)
        adders = {TradeMsg: self._add_trade, MBP1Msg: self._add_book, OHLCVMsg: self._add_bar}
        self._add: Callable[[str, Any], None] = adders.get(kind.record, self._add_snapshot)

    def hear(self, record: Any) -> None:
        """Take in a record."""
        if isinstance(record, self._record):
            for symbol in self._ids.get(record.instrument_id, ()):
                self._add(symbol, record)

    def end_interval(self, moment: int) -> None:
        """Close the bars of the interval that ended at `moment`, nanoseconds UTC."""
        if self._is_bar:
            self.intervals.end(moment, self.events)

    def finish(self) -> None:
        """Close what is held: nothing more comes."""
        self.intervals.close(self.events)

    def take(self) -> list[MarketEvent]:
        """Return what has been collected since the last time."""
        events, self.events = self.events, []
        return events

    def _add_trade(self, symbol: str, record: Any) -> None:
        trade = to_trade(symbol, record, self._now(), self._backfilled)
        if trade is not None:
            self.events.append(trade)

    def _add_book(self, symbol: str, record: Any) -> None:
        """Add the best bid and ask, and after them the trade when it is one that met them."""
        quote = to_quote(symbol, record, record.ts_event, self._now(), self._backfilled)
        if quote is not None:
            self.events.append(quote)
        if record.action == _TRADE:
            self._add_trade(symbol, record)

    def _add_snapshot(self, symbol: str, record: Any) -> None:
        """Add the best bid and ask at the end of an interval: `ts_event` is that of the last trade, or not there at all."""
        if record.rtype == self._rtype:
            quote = to_quote(symbol, record, record.ts_recv, self._now(), self._backfilled)
            if quote is not None:
                self.events.append(quote)

    def _add_bar(self, symbol: str, record: Any) -> None:
        if record.rtype == self._rtype:
            bar = to_bar(symbol, record, self._interval, self._now(), self._backfilled)
            if bar is not None:
                self.intervals.add(bar, self.events)


def _unseen() -> None:
    """Return that nobody saw it."""
