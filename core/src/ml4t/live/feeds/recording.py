"""A recording in order of time, whatever the order of its file."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter, le
from typing import Any, Protocol

from ml4t.live.feeds.problem import RecordingError
from ml4t.live.feeds.rows import Row, RowReader
from ml4t.live.times import to_datetime

IN_MEMORY = 2_000_000
"""Rows above which a sorted file is streamed instead of kept."""

_CHUNK = 4096
_SAMPLE = 100_000


class Recording(Protocol):
    """Rows of a file by time; those of one time by symbol, and of one symbol as in the file."""

    symbols: tuple[str, ...]
    size: int
    first: int
    last: int

    def rows(self, start: int, end: int) -> Iterator[Row]:
        """Yield the rows with start <= time < end (nanoseconds UTC)."""
        ...

    def rows_of(self, symbol: str, start: int, end: int) -> Iterable[Row]:
        """Return the rows of one symbol with start <= time < end."""
        ...

    def count(self, start: int, end: int) -> int:
        """Return how many rows `rows(start, end)` yields, or an upper bound."""
        ...

    def spacing(self) -> int:
        """Return the most common time between two rows of a symbol (the smaller of equals), 0 when none has two."""
        ...


class KeptRecording:
    """Rows in memory as columns of plain numbers: about 52 bytes for a bar and 28 for a trade."""

    def __init__(self) -> None:
        self.symbols: tuple[str, ...] = ()
        self.size = 0
        self.first = self.last = 0
        self.is_sorted = True
        self._numbers = _Numbers()
        self._times = array("q")
        self._whose = array("i")
        self._values: list[array[float]] = []
        self._places: dict[int, array[int]] = {}

    def extend(self, chunk: list[Row]) -> None:
        """Add rows as the file has them."""
        times, symbols, *values = zip(*chunk, strict=True)
        self.is_sorted = self.is_sorted and (not self._times or self._times[-1] <= times[0]) and _is_sorted(times)
        self._times.extend(times)
        self._whose.extend(map(self._numbers.__getitem__, symbols))
        self._values = self._values or [array("d") for _ in values]
        for column, more in zip(self._values, values, strict=True):
            column.extend(more)
        self.size = len(self._times)

    def finish(self) -> None:
        """Put everything in order. Peak memory is that of the columns, one of them twice, and about 40 bytes a row."""
        names = list(self._numbers)
        self.symbols = tuple(sorted(names))
        rank = {name: number for number, name in enumerate(self.symbols)}
        self._whose = array("i", map([rank[name] for name in names].__getitem__, self._whose))
        if not self.is_sorted or len(names) > 1:
            # Both sorts are stable: by time, then by symbol, then as in the file.
            order = sorted(range(self.size), key=self._whose.__getitem__)
            order.sort(key=self._times.__getitem__)
            self._times = array("q", map(self._times.__getitem__, order))
            self._whose = array("i", map(self._whose.__getitem__, order))
            for place, column in enumerate(self._values):
                self._values[place] = array("d", map(column.__getitem__, order))
        self.first, self.last = self._times[0], self._times[-1]

    def rows(self, start: int, end: int) -> Iterator[Row]:
        """Yield the rows with start <= time < end."""
        low, high = self._between(start, end)
        columns: list[array[Any]] = [self._times, self._whose, *self._values]
        # A view of a part costs nothing; a slice would be a copy.
        times, whose, *values = (memoryview(column)[low:high] for column in columns)
        return zip(times, map(self.symbols.__getitem__, whose), *values, strict=True)

    def rows_of(self, symbol: str, start: int, end: int) -> Iterable[Row]:
        """Return the rows of one symbol with start <= time < end."""
        if symbol not in self._numbers:
            return []
        places = self._places_of(self.symbols.index(symbol))
        time_at = self._times.__getitem__
        low, high = bisect_left(places, start, key=time_at), bisect_left(places, end, key=time_at)
        return [(time_at(place), symbol, *(column[place] for column in self._values)) for place in places[low:high]]

    def count(self, start: int, end: int) -> int:
        """Return how many rows have start <= time < end."""
        low, high = self._between(start, end)
        return high - low

    def spacing(self) -> int:
        """Return the most common time between two rows of a symbol, from the first rows."""
        previous: dict[int, int] = {}
        distances: Counter[int] = Counter()
        for moment, who in islice(zip(self._times, self._whose, strict=True), _SAMPLE):
            distances[moment - previous.get(who, moment)] += 1
            previous[who] = moment
        del distances[0]
        return min(distances, key=lambda distance: (-distances[distance], distance), default=0)

    def _between(self, start: int, end: int) -> tuple[int, int]:
        low = bisect_left(self._times, start)
        return low, max(low, bisect_left(self._times, end))

    def _places_of(self, number: int) -> array[int]:
        if not self._places:
            for place, who in enumerate(self._whose):
                self._places.setdefault(who, array("l")).append(place)
        return self._places[number]


class StreamedRecording:
    """Rows of a large file that is in order of time already: read anew each time, never kept."""

    def __init__(self, reader: RowReader, head: KeptRecording) -> None:
        self._reader = reader
        self._spacing = head.spacing()
        self.symbols = head.symbols
        self.size = head.size
        self.first, self.last = head.first, head.last

    def rows(self, start: int, end: int) -> Iterator[Row]:
        """Yield the rows with start <= time < end."""
        for moment, group in groupby(self._reader, key=itemgetter(0)):
            if moment >= end:
                return
            if moment >= start:
                yield from sorted(group, key=itemgetter(1))

    def rows_of(self, symbol: str, start: int, end: int) -> Iterable[Row]:
        """Yield the rows of one symbol with start <= time < end, reading the file up to there."""
        return (row for row in self.rows(start, end) if row[1] == symbol)

    def count(self, start: int, end: int) -> int:
        """Return the number of all rows: where a time is in the file is not known."""
        return self.size

    def spacing(self) -> int:
        """Return the most common time between two rows of a symbol, from the first rows."""
        return self._spacing

    def scan(self, chunks: Iterable[list[Row]]) -> bool:
        """Look through the rest of the file; return False as soon as it is out of order."""
        symbols = set(self.symbols)
        for chunk in chunks:
            times = [row[0] for row in chunk]
            if times[0] < self.last or not _is_sorted(times):
                return False
            symbols.update(map(itemgetter(1), chunk))
            self.size += len(chunk)
            self.last = times[-1]
        self.symbols = tuple(sorted(symbols))
        return True


def load(reader: RowReader, *, in_memory: float = IN_MEMORY) -> Recording:
    """Read a file once and return its rows in order of time.

    Up to `in_memory` rows are kept. A larger file is streamed when it is in order, and kept, whatever its size, when not.
    Raises `RecordingError` when the file holds nothing for the configured symbols.
    """
    kept = KeptRecording()
    chunks = _chunks(reader)
    for chunk in chunks:
        kept.extend(chunk)
        if kept.size > in_memory and kept.is_sorted:
            kept.finish()
            streamed = StreamedRecording(reader, kept)
            return _checked(streamed if streamed.scan(chunks) else load(reader, in_memory=math.inf), reader)
    if kept.size:
        kept.finish()
    return _checked(kept, reader)


def _checked(recording: Recording, reader: RowReader) -> Recording:
    path, wanted = reader.config.path, reader.config.symbols
    missing = [symbol for symbol in wanted if symbol not in recording.symbols]
    if missing:
        raise RecordingError(f"{path} holds nothing for {', '.join(missing)}; correct symbols, or leave it out for all")
    if not recording.size:
        raise RecordingError(f"{path} has no rows" + (f" but {reader.skipped} bad ones" if reader.skipped else ""))
    return recording


def describe_span(recording: Recording) -> str:
    """Return the first and the last time in words."""
    return f"from {to_datetime(recording.first).isoformat()} to {to_datetime(recording.last).isoformat()}"


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while chunk := list(islice(iterator, _CHUNK)):
        yield chunk


def _is_sorted(times: Iterable[int]) -> bool:
    times = list(times)
    return all(map(le, times, islice(times, 1, None)))


class _Numbers(dict[str, int]):
    """Numbers names as they come."""

    def __missing__(self, name: str) -> int:
        number = self[name] = len(self)
        return number
