"""A recording: a file of DBN records, as downloaded or as written from a live session."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from databento_dbn import Metadata, SymbolMappingMsg, SystemMsg

from ml4t.live.clock import Clock
from ml4t.live.contracts import Sink
from ml4t.live.feeds.pace import Pace
from ml4t.live.feeds.problem import RecordingError
from ml4t.live.model import Bar, MarketEvent
from ml4t.live.times import NANOS, to_datetime
from ml4t_live_databento.config import SCHEMAS, DatabentoFeedConfig
from ml4t_live_databento.dbn_file import decoded_from, header_of
from ml4t_live_databento.instruments import Instruments
from ml4t_live_databento.sdk import SType, SystemCode
from ml4t_live_databento.translator import Translator

DAY = 86_400 * NANOS
_NEVER = 1 << 64


class Recording:
    """A file and what is wanted of it. It is read as it is played, a piece at a time.

    A download says which instrument a symbol is by day, in its header; what was written from a live session says it in its
    records, and does not say its schema: then `schema` does. Raises RecordingError.
    """

    def __init__(self, config: DatabentoFeedConfig, path: Path) -> None:
        self._config = config
        self._path = path
        metadata = header_of(path)
        said = None if metadata.schema is None else str(metadata.schema)
        self._schema = said or config.schema
        if self._schema not in SCHEMAS:
            raise RecordingError(f"{path} holds {self._schema}, and played can be {', '.join(SCHEMAS)}; download one of those")
        if metadata.stype_out != SType.INSTRUMENT_ID:
            raise RecordingError(
                f"{path} does not say which instruments its symbols are; download it with stype_out instrument_id"
            )
        if said is not None and metadata.mappings:
            absent = sorted(set(config.symbols) - set(metadata.mappings))
            if absent:
                raise RecordingError(
                    f"{path} has no {', '.join(absent)}; its symbols are {', '.join(sorted(map(str, metadata.mappings)))}"
                )

    def check_range(self, start: int, end: int) -> None:
        """Raise RecordingError unless the file is what would be downloaded from `start` to `end`, nanoseconds UTC."""
        metadata = header_of(self._path)
        wanted = (self._config.dataset, self._config.schema, start, end)
        if (metadata.dataset, self._schema, metadata.start, metadata.end) != wanted:
            what = f"{metadata.dataset} {self._schema} from {_moment(metadata.start)} to {_moment(metadata.end)}"
            raise RecordingError(
                f"{self._path} holds {what}, and dataset, schema, start and end say something else; give another path, or "
                "delete it to have it downloaded anew"
            )

    async def play(self, sink: Sink, clock: Clock, after: int | None = None) -> None:
        """Push every event that was not known at `after` (nanoseconds UTC), as fast as `speed` says."""
        pace = None if self._config.speed == "max" else Pace(clock, self._config.speed)
        for batch in self._batches(backfilled=False):
            events = batch if after is None else [event for event in batch if _known_at(event) > after]
            if pace is None:
                sink.push_many(events)
                await sink.ready()
            else:
                for event in events:
                    await pace.until(_known_at(event))
                    sink.push(event)
                    await sink.ready()
            # A sink with room never suspends: without this the loop would hear nothing else until the end.
            await clock.sleep(0)

    def between(self, symbol: str, start: int, end: int) -> list[MarketEvent]:
        """Return the events of a symbol with start <= event_time < end."""
        return [
            event
            for batch in self._batches(backfilled=True)
            for event in batch
            if event.symbol == symbol and start <= event.event_time < end
        ]

    def _batches(self, *, backfilled: bool) -> Iterator[list[MarketEvent]]:
        """Yield the events of the file, those of one piece together."""
        decoded = decoded_from(self._path)
        instruments = Instruments(self._config.symbols)
        days = _Days(instruments, next(decoded)[0])
        translator = Translator(
            self._schema, instruments.ids, quiet_bars=self._config.quiet_bars, backfilled=backfilled, recorded=True
        )
        for records in decoded:
            for record in records:
                kind = type(record)
                if kind is SymbolMappingMsg:
                    if instruments.assign(record.stype_in_symbol, record.instrument_id):
                        translator.intervals.forget(record.stype_in_symbol)
                elif kind is SystemMsg:
                    if record.code == SystemCode.END_OF_INTERVAL:
                        translator.end_interval(record.ts_event)
                else:
                    days.turn_to(record.ts_index)
                    translator.hear(record)
            yield translator.take()
        translator.finish()
        yield translator.take()


class _Days:
    """Lets instruments be what the header of a download says that they are on the day that the records have come to."""

    def __init__(self, instruments: Instruments, metadata: Metadata) -> None:
        self._instruments = instruments
        self._mappings = metadata.mappings
        self._end = 0 if metadata.mappings else _NEVER
        self._start = 0

    def turn_to(self, moment: int) -> None:
        """Turn to the day of a moment, nanoseconds UTC."""
        if self._start <= moment < self._end:
            return
        self._start = moment // DAY * DAY
        self._end = self._start + DAY
        day = _date(moment)
        self._instruments.forget()
        for symbol, intervals in self._mappings.items():
            for interval in intervals:
                if interval["start_date"] <= day < interval["end_date"] and interval["symbol"]:
                    self._instruments.assign(symbol, int(interval["symbol"]))


def _moment(nanoseconds: int | None) -> str:
    return "no end" if nanoseconds is None else to_datetime(nanoseconds).isoformat()


def _date(moment: int) -> date:
    return datetime.fromtimestamp(moment // NANOS, UTC).date()


def _known_at(event: MarketEvent) -> int:
    return event.end_time if isinstance(event, Bar) else event.event_time
