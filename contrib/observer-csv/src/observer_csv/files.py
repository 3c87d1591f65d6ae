"""Appending to a file that does not grow without end. Everything here blocks: call it in a thread."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path


class CsvFile:
    """One table on disk. It is opened for each batch, so that it may be moved or removed by others in between."""

    def __init__(self, path: Path, columns: Sequence[str], *, max_bytes: int, keep: int) -> None:
        self._path = path
        self._header = _text([columns])
        self._max_bytes = max_bytes
        self._keep = keep

    def append(self, rows: Iterable[Sequence[str]]) -> None:
        """Write rows behind what is there, all or none of them. Raises OSError."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._is_to_be_put_aside():
            self._put_aside()
        # For this user only: they tell what is held and traded.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            before = file.seek(0, os.SEEK_END)
            data = ("" if before else self._header) + _text(rows)
            try:
                _write_all(file, data.encode())
            except OSError:
                file.truncate(before)  # half a row would spoil the one that is written after it
                raise

    def _is_to_be_put_aside(self) -> bool:
        try:
            with self._path.open("rb") as file:
                first = file.read(len(self._header.encode()))
                size = file.seek(0, os.SEEK_END)
        except FileNotFoundError:
            return False
        return size > 0 and (size >= self._max_bytes or first != self._header.encode())

    def _put_aside(self) -> None:
        for number in range(self._keep - 1, 0, -1):
            older = self._aside(number)
            if older.exists():
                older.replace(self._aside(number + 1))
        self._path.replace(self._aside(1))

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _write_all(file: io.RawIOBase, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def _text(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
