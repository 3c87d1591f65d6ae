"""The replay of a recording: the same events, in the same order, every time."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import groupby, islice

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.contracts.feed import Sink
from ml4t.live.feeds.pace import Pace, progress_bar
from ml4t.live.feeds.problem import RecordingError
from ml4t.live.feeds.recording import describe_span, load
from ml4t.live.feeds.replay_config import ReplayConfig
from ml4t.live.feeds.rows import Row, RowReader
from ml4t.live.feeds.stamps import StampReader
from ml4t.live.model import Bar, Trade

SOURCE = "replay"

_BATCH = 500
_NEVER = (1 << 63) - 1
_logger = logging.getLogger(__name__)


class ReplayFeed:
    """Pushes the bars or trades of a file in order of time; those of one time by symbol.

    A bar is pushed as something known at its end, a trade at its time. The file is read when the feed is made, so that what
    is wrong with it is said before anything starts. It is kept in memory as plain numbers (about 52 bytes a bar and 28 a
    trade), except a file of more than two million rows that is in order of time already, which is streamed.

    `resume_after` may be set before `run`: events known at that time (nanoseconds UTC) or before are left out, because a
    run that is being continued has seen them. They, and those before `start`, are still there for `backfill`.
    `clock` is what a paced replay sleeps on.

    Raises `RecordingError` (a `FeedRefused` and a `ValueError`) when the file cannot be replayed as it is, ImportError when
    it is a Parquet file and pyarrow is missing.
    """

    historical = True

    def __init__(self, config: ReplayConfig) -> None:
        self.config = config
        self.clock: Clock = SystemClock()
        self.resume_after: int | None = None
        stamps = StampReader(config.timezone)
        self._start = -_NEVER if config.start is None else _moment(stamps, "start", config.start)
        self._end = _NEVER if config.end is None else _moment(stamps, "end", config.end)
        reader = RowReader(config)
        self._recording = load(reader)
        self._is_bar = reader.kind == "bar"
        self.interval = (config.interval or self._recording.spacing()) if self._is_bar else 0
        """The length of a bar in nanoseconds; 0 for trades, and when it is neither said nor to be seen."""
        self.skipped = reader.skipped
        """Bad rows left out of the replay."""
        self.symbols = config.symbols or self._recording.symbols
        self._check_span()
        if reader.skipped:
            _logger.warning("%s: %d bad rows skipped, such as %s", config.path, reader.skipped, reader.problems[0])

    async def run(self, sink: Sink) -> None:
        """Push every event in batches, as fast as `speed` says; return at the end of the data."""
        start = self._start
        if self.resume_after is not None:
            start = max(start, self.resume_after - self.interval + 1)
        pace = None if self.config.speed == "max" else Pace(self.clock, self.config.speed)
        with progress_bar(self._recording.count(start, self._end), show=self.config.progress) as advance:
            for batch in self._batches(start):
                if pace is None:
                    sink.push_many(batch)
                    await sink.ready()
                else:
                    await self._push_paced(batch, sink, pace)
                advance(len(batch))
                # A sink with room never suspends: without this the loop would hear nothing else until the end.
                await self.clock.sleep(0)

    async def backfill(self, symbol: str, start: int, end: int) -> Iterable[Bar | Trade]:
        """Return the events of `symbol` with start <= event_time < end (nanoseconds UTC), oldest first."""
        return [self._event(row, backfilled=True) for row in self._recording.rows_of(symbol, start, end)]

    async def _push_paced(self, batch: list[Bar | Trade], sink: Sink, pace: Pace) -> None:
        for moment, events in groupby(batch, key=lambda event: event.event_time):
            # All bars are equally long: their ends are as far apart as their starts.
            await pace.until(moment)
            sink.push_many(list(events))
            await sink.ready()

    def _batches(self, start: int) -> Iterator[list[Bar | Trade]]:
        events = map(self._event, self._recording.rows(start, self._end))
        while batch := list(islice(events, _BATCH)):
            yield batch

    def _event(self, row: Row, *, backfilled: bool = False) -> Bar | Trade:
        if self._is_bar:
            moment, symbol, open_, high, low, close, volume = row
            return Bar(symbol, moment, open_, high, low, close, volume, self.interval, True, backfilled, None, SOURCE)
        moment, symbol, price, size = row
        return Trade(symbol, moment, price, size, None, SOURCE, "", backfilled)

    def _check_span(self) -> None:
        recording = self._recording
        if self._start >= self._end:
            raise RecordingError(f"start = {self.config.start} is not before end = {self.config.end}")
        if self._start > recording.last or self._end <= recording.first:
            raise RecordingError(
                f"{self.config.path} has nothing between start and end: it goes {describe_span(recording)}; change start or end"
            )


def _moment(stamps: StampReader, name: str, value: object) -> int:
    try:
        return stamps.end_of(value) if name == "end" else stamps(value)  # type: ignore[arg-type]
    except ValueError as error:
        raise RecordingError(f"{name}: {error}") from None
