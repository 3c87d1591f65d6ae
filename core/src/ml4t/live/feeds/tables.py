"""Tables in files: one reader per format, all with the same three methods."""

from __future__ import annotations

import csv
import gzip
import importlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, Protocol, cast

import msgspec

from ml4t.live.feeds.problem import RecordingError

Pick = Callable[[Any], Sequence[Any]]
"""Takes the chosen columns out of a raw row."""

BROKEN = (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error)
"""What reading raises when a file is damaged, cut short or not what its name says."""

FORMATS = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".parquet")


class Table(Protocol):
    """A table whose column names are known and whose rows are still to be read, once."""

    names: Sequence[str]

    def read(self, columns: Sequence[str]) -> tuple[Iterator[Any], Pick]:
        """Return raw rows, and what picks `columns` out of one of them (and raises when the row is not like that)."""
        ...

    def where(self) -> str:
        """Say which row was read last: `line 17`."""
        ...

    def holds_times(self, column: str) -> bool:
        """Return True when the column comes as nanoseconds UTC, so that nothing is left to be read into it."""
        ...


def format_of(path: Path) -> str:
    """Return the suffix that decides the format. Raises `RecordingError` for a file that is not there or of no known one."""
    suffix = next((suffix for suffix in FORMATS if path.name.lower().endswith(suffix)), None)
    if suffix is None:
        raise RecordingError(f"{path}: cannot tell its format; the name must end in one of {', '.join(FORMATS)}")
    if not path.is_file():
        raise RecordingError(f"{path} is {'not a file' if path.exists() else 'not there'}; give the path of a recording")
    return suffix


def open_table(path: Path, timezone: str) -> AbstractContextManager[Table]:
    """Open a table. `timezone` is for times that the file keeps without a zone.

    Raises `RecordingError` for a file that is not there or of no known format, ImportError when Parquet cannot be read.
    """
    suffix = format_of(path)
    if suffix == ".parquet":
        return _open_parquet(path, timezone)
    table: Callable[[IO[str], Path], Table] = CsvTable if suffix.startswith(".csv") else JsonTable
    return _open_text(path, table)


@contextmanager
def _open_text(path: Path, table: Callable[[IO[str], Path], Table]) -> Iterator[Table]:
    opener: Callable[..., Any] = gzip.open if path.name.lower().endswith(".gz") else Path.open
    with cast("IO[str]", opener(path, "rt", encoding="utf-8-sig", newline="")) as file:
        try:
            made = table(file, path)
        except BROKEN as error:
            raise RecordingError(f"{path} cannot be read: {error}; get the file again") from error
        yield made


class CsvTable:
    """Comma separated text with a line of names; a tab, a semicolon or a bar may stand for the comma."""

    def __init__(self, file: IO[str], path: Path) -> None:
        first = file.readline()
        if not first.strip():
            raise RecordingError(f"{path} is empty; its first line must name the columns")
        delimiter = max(",\t;|", key=first.count)
        self.names: Sequence[str] = [name.strip() for name in next(csv.reader([first], delimiter=delimiter))]
        self._reader = csv.reader(file, delimiter=delimiter)

    def read(self, columns: Sequence[str]) -> tuple[Iterator[Any], Pick]:
        """Return lines that are not blank, as lists of text."""
        return filter(None, self._reader), itemgetter(*map(self.names.index, columns))

    def where(self) -> str:
        """Say which line was read last."""
        return f"line {self._reader.line_num + 1}"

    def holds_times(self, column: str) -> bool:
        """Return False: it is all text."""
        return False


class JsonTable:
    """One JSON object a line. The first one names the columns."""

    def __init__(self, file: IO[str], path: Path) -> None:
        self._line = 0
        lines = self._lines(file)
        first = next(lines, None)
        if first is None:
            raise RecordingError(f"{path} is empty; write one JSON object a line")
        try:
            row = msgspec.json.decode(first)
        except msgspec.DecodeError as error:
            raise RecordingError(f"{path}, {self.where()}: {error}; write one JSON object a line") from None
        if not isinstance(row, dict):
            raise RecordingError(f"{path}, {self.where()}: not an object; write one JSON object a line")
        self.names: Sequence[str] = list(row)
        self._rows = chain([first], lines)

    def _lines(self, file: IO[str]) -> Iterator[str]:
        for self._line, line in enumerate(file, start=1):
            if not line.isspace():
                yield line

    def read(self, columns: Sequence[str]) -> tuple[Iterator[Any], Pick]:
        """Return lines of text, and what decodes one."""
        decode, take = msgspec.json.decode, itemgetter(*columns)
        return self._rows, lambda line: take(decode(line))

    def where(self) -> str:
        """Say which line was read last."""
        return f"line {self._line}"

    def holds_times(self, column: str) -> bool:
        """Return False: JSON has no times."""
        return False


@contextmanager
def _open_parquet(path: Path, timezone: str) -> Iterator[Table]:
    try:
        # Optional, and slow to import; without types, hence not an import statement.
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError(f'{path}: reading Parquet needs pyarrow: pip install "ml4t-live[parquet]"') from error
    try:
        file = parquet.ParquetFile(path)
    except (OSError, ValueError) as error:
        raise RecordingError(f"{path} cannot be read: {error}; get the file again") from error
    with file:
        yield ParquetTable(file, timezone)


class ParquetTable:
    """A Parquet file, a batch of rows at a time."""

    def __init__(self, file: Any, timezone: str) -> None:
        self._file = file
        self._timezone = timezone
        self._row = 0
        self._arrow = importlib.import_module("pyarrow")
        self._compute = importlib.import_module("pyarrow.compute")
        self.names: Sequence[str] = file.schema_arrow.names

    def read(self, columns: Sequence[str]) -> tuple[Iterator[Any], Pick]:
        """Return tuples that hold the columns already."""
        return self._rows(columns), tuple

    def _rows(self, columns: Sequence[str]) -> Iterator[Any]:
        for batch in self._file.iter_batches(batch_size=8192, columns=list(dict.fromkeys(columns))):
            try:
                values = {name: self._values(batch.column(name)) for name in batch.schema.names}
            except ValueError as error:
                raise RecordingError(f"after {self.where()}: {error}") from error
            for row in zip(*(values[name] for name in columns), strict=True):
                self._row += 1
                yield row

    def _values(self, column: Any) -> list[Any]:
        """Return a column as Python values, times as nanoseconds UTC."""
        pa = self._arrow
        if pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("s"))
        if pa.types.is_timestamp(column.type):
            if column.type.tz is None and self._timezone != "UTC":
                column = self._compute.assume_timezone(column, self._timezone, ambiguous="earliest", nonexistent="earliest")
            column = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64())
        return cast("list[Any]", column.to_pylist())

    def where(self) -> str:
        """Say which row was read last, the first being row 1."""
        return f"row {self._row}"

    def holds_times(self, column: str) -> bool:
        """Return True for columns of dates and of dates and times."""
        kind, types = self._file.schema_arrow.field(column).type, self._arrow.types
        return bool(types.is_timestamp(kind) or types.is_date(kind))
