"""From records to events: one of these per connection or recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from databento_dbn import OHLCVMsg

from ml4t.live.model import MarketEvent
from ml4t_live_databento.intervals import Intervals
from ml4t_live_databento.records import INTERVALS, MAKERS, to_bar


class Translator:
    """Collects the events that records tell of. `ids` says which symbol an instrument is; others are left out."""

    def __init__(self, schema: str, ids: Mapping[int, str], *, quiet_bars: bool, backfilled: bool = False) -> None:
        self.events: list[MarketEvent] = []
        self._ids = ids
        self._backfilled = backfilled
        self._interval = INTERVALS.get(schema, 0)
        self.intervals = Intervals(self._interval, quiet_bars=quiet_bars, backfilled=backfilled)

    def hear(self, record: Any) -> None:
        """Take in a record of market data; one of another kind tells of nothing here."""
        symbol = self._ids.get(record.instrument_id)
        if symbol is None:
            return
        kind = type(record)
        maker = MAKERS.get(kind)
        if maker is not None:
            maker(symbol, record, self._backfilled, self.events)
        elif kind is OHLCVMsg:
            bar = to_bar(symbol, record, self._interval, self._backfilled)
            if bar is not None:
                self.intervals.add(bar, self.events)

    def end_interval(self, moment: int) -> None:
        """Close the bars of the interval that ended at `moment`, nanoseconds UTC."""
        if self._interval:
            self.intervals.end(moment, self.events)

    def finish(self) -> None:
        """Close what is held: nothing more comes."""
        self.intervals.close(self.events)

    def take(self) -> list[MarketEvent]:
        """Return what has been collected since the last time."""
        events, self.events = self.events, []
        return events
