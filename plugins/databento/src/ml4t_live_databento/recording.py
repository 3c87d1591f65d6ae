"""A recording: a file of DBN records, as downloaded or as written from a live session."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from databento.common.symbology import InstrumentMap
from databento_dbn import DBNDecoder, Metadata, SymbolMappingMsg, SystemMsg

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.contracts import Sink
from ml4t.live.feeds.pace import Pace
from ml4t.live.feeds.problem import RecordingError
from ml4t.live.model import Bar, MarketEvent
from ml4t.live.times import NANOS
from ml4t_live_databento.config import SCHEMAS, DatabentoFeedConfig
from ml4t_live_databento.sdk import Compression, SystemCode, VersionUpgradePolicy
from ml4t_live_databento.translator import Translator

CHUNK = 1 << 16
DAY = 86_400 * NANOS
ZSTD = b"\x28\xb5\x2f\xfd"
"""The first bytes of a file that is compressed."""


class Recording:
    """A file and what is wanted of it. It is read as it is played, a piece at a time.

    A download says which instrument a symbol is by day, in its header; what was written from a live session says it in its
    records, and does not say its schema: then `schema` does. Raises RecordingError.
    """

    def __init__(self, config: DatabentoFeedConfig, path: Path) -> None:
        self.clock: Clock = SystemClock()
        self._config = config
        self._path = path
        metadata = self._metadata()
        said = None if metadata.schema is None else str(metadata.schema)
        self._schema = said or config.schema
        if self._schema not in SCHEMAS:
            raise RecordingError(f"{path} holds {self._schema}, and played can be {', '.join(SCHEMAS)}; download one of those")
        if said is not None and metadata.mappings:
            absent = sorted(set(config.symbols) - set(metadata.mappings))
            if absent:
                raise RecordingError(
                    f"{path} has no {', '.join(absent)}; its symbols are {', '.join(sorted(map(str, metadata.mappings)))}"
                )

    async def play(self, sink: Sink, after: int | None = None) -> None:
        """Push every event that was not known at `after` (nanoseconds UTC), as fast as `speed` says."""
        pace = None if self._config.speed == "max" else Pace(self.clock, self._config.speed)
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
            await self.clock.sleep(0)

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
        decoded = self._decoded()
        names = _Names(self._config.symbols, next(decoded)[0])
        translator = Translator(
            self._schema, names.ids, quiet_bars=self._config.quiet_bars, backfilled=backfilled, recorded=True
        )
        for records in decoded:
            for record in records:
                kind = type(record)
                if kind is SymbolMappingMsg:
                    names.add(record)
                elif kind is SystemMsg:
                    if record.code == SystemCode.END_OF_INTERVAL:
                        translator.end_interval(record.ts_event)
                else:
                    names.turn_to(record.ts_index)
                    translator.hear(record)
            yield translator.take()
        translator.finish()
        yield translator.take()

    def _metadata(self) -> Metadata:
        header: Metadata = next(self._decoded())[0]
        return header

    def _decoded(self) -> Iterator[list[Any]]:
        """Yield the header by itself, and then the records. Raises RecordingError."""
        try:
            with self._path.open("rb") as file:
                compressed = file.read(len(ZSTD)) == ZSTD
                file.seek(0)
                decoder = DBNDecoder(
                    upgrade_policy=VersionUpgradePolicy.UPGRADE_TO_V3,
                    compression=Compression.ZSTD if compressed else Compression.NONE,
                )
                header = False
                while chunk := file.read(CHUNK):
                    decoder.write(chunk)
                    records = decoder.decode()
                    if records and not header:
                        header = True
                        yield records[:1]
                        del records[0]
                    if records:
                        yield records
        except OSError as error:
            raise RecordingError(f"{self._path} cannot be read: {error.strerror or error}") from None
        except Exception as error:
            raise RecordingError(f"{self._path} is not a DBN file, or a damaged one ({error}); download it again") from error
        if not header or decoder.buffer():
            raise RecordingError(f"{self._path} is not a DBN file, or ends in the middle of a record; download it again")


class _Names:
    """Which wanted symbol an instrument is, on the day that the records have come to."""

    def __init__(self, symbols: tuple[str, ...], metadata: Metadata) -> None:
        self.ids: dict[int, str] = {}
        self._symbols = frozenset(symbols)
        self._map = InstrumentMap()
        self._map.insert_metadata(metadata)
        self._instruments = {
            int(interval["symbol"]) for intervals in metadata.mappings.values() for interval in intervals if interval["symbol"]
        }
        self._until = 0 if self._instruments else 1 << 64

    def turn_to(self, moment: int) -> None:
        """Let the mappings be those of the day of `moment`."""
        if moment < self._until and moment >= self._until - DAY:
            return
        if not self._instruments:
            return
        self._until = (moment // DAY + 1) * DAY
        day = _date(moment)
        found = ((each, self._map.resolve(each, day)) for each in self._instruments)
        self.ids.clear()
        self.ids.update({each: symbol for each, symbol in found if symbol in self._symbols})

    def add(self, record: SymbolMappingMsg) -> None:
        """Take in a mapping of a live session."""
        symbol = record.stype_in_symbol
        if symbol in self._symbols:
            for instrument in [each for each, known in self.ids.items() if known == symbol]:
                del self.ids[instrument]
            self.ids[record.instrument_id] = symbol


def _date(moment: int) -> date:
    return datetime.fromtimestamp(moment // NANOS, UTC).date()


def _known_at(event: MarketEvent) -> int:
    return event.end_time if isinstance(event, Bar) else event.event_time
