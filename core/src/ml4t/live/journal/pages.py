"""The pages of an SQLite file read without SQLite, which gives up on a whole table where one page is torn.

The format: https://www.sqlite.org/fileformat2.html (sections 1.5, 1.6, 2.1 and 4).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

LEAF, INDEX_LEAF, INDEX_INTERIOR = 0x0D, 0x0A, 0x02
"""The kinds of page that hold rows: of a table; of an index or a table without rowid."""

_FIRST = 100  # the file's header lies before the content of page 1
_DEFAULT_SIZE = 4096
_WAL_HEADER, _FRAME_HEADER = 32, 24
_WAL_MAGIC = 0x377F0682  # the last bit says in which order of bytes the checksums are
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_LONGEST = 256 * 2**20  # a body beyond this is a garbled length


class Cell(NamedTuple):
    """One row: `rowid` is 0 where the page is one of an index, `child` is the page to its left (0 in a leaf)."""

    rowid: int
    values: tuple[Any, ...]
    child: int


class Torn(Exception):
    """Something in a page that cannot be."""


class Pages:
    """The pages of the database at `path` with what its log had committed."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb")
        log = Path(f"{path}-wal")
        self._log: BinaryIO | None = log.open("rb") if log.is_file() else None
        self.size = self._page_size()
        self._frames, pages = self._committed() if self._log is not None else ({}, 0)
        self._file.seek(0, 2)
        self.count = max(pages, -(-self._file.tell() // self.size))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._log is not None:
            self._log.close()

    def read(self, number: int) -> bytes:
        """Return page `number` (the first is 1). Raises Torn when there is no such page."""
        if not 1 <= number <= self.count:
            raise Torn(f"there is no page {number}")
        if self._log is not None and number in self._frames:
            self._log.seek(self._frames[number])
            return self._log.read(self.size)
        self._file.seek((number - 1) * self.size)
        page = self._file.read(self.size)
        return page + bytes(self.size - len(page))

    def kind(self, page: bytes, number: int) -> int:
        """Return the kind of a page."""
        return page[_FIRST if number == 1 else 0]

    def cells(self, number: int) -> Iterator[Cell | None]:
        """Iterate over the rows of a page that holds rows; None stands for one that cannot be read."""
        page = self.read(number)
        start = _FIRST if number == 1 else 0
        kind = page[start]
        if kind not in {LEAF, INDEX_LEAF, INDEX_INTERIOR}:
            return
        (count,) = struct.unpack_from(">H", page, start + 3)
        pointers = start + (12 if kind == INDEX_INTERIOR else 8)
        if pointers + 2 * count > self.size:
            yield None
            return
        for (offset,) in struct.iter_unpack(">H", page[pointers : pointers + 2 * count]):
            try:
                yield self._cell(page, kind, offset)
            except (Torn, IndexError, ValueError, struct.error):
                yield None

    def last_child(self, number: int) -> int:
        """Return the page to the right of all rows of an interior page."""
        return int(struct.unpack_from(">I", self.read(number), (_FIRST if number == 1 else 0) + 8)[0])

    def free(self) -> set[int]:
        """Return the pages that the file lists as free: what they still hold is out of date."""
        found: set[int] = set()
        try:
            (trunk,) = struct.unpack_from(">I", self.read(1), 32)
            while trunk and trunk not in found:
                page = self.read(trunk)
                found.add(trunk)
                trunk, count = struct.unpack_from(">II", page)
                found.update(struct.unpack_from(f">{min(count, self.size // 4 - 2)}I", page, 8))
        except Torn:
            pass
        return found

    def _cell(self, page: bytes, kind: int, offset: int) -> Cell:
        child = rowid = 0
        if kind == INDEX_INTERIOR:
            (child,) = struct.unpack_from(">I", page, offset)
            offset += 4
        length, offset = _varint(page, offset)
        if kind == LEAF:
            rowid, offset = _varint(page, offset)
        return Cell(rowid, _values(self._payload(page, kind, length, offset)), child)

    def _payload(self, page: bytes, kind: int, length: int, offset: int) -> bytes:
        """Return all bytes of a row, those on overflow pages too."""
        if not 0 < length <= _LONGEST:
            raise Torn("a row of impossible length")
        most = self.size - 35 if kind == LEAF else (self.size - 12) * 64 // 255 - 23
        if length <= most:
            return _slice(page, offset, length)
        least = (self.size - 12) * 32 // 255 - 23
        local = least + (length - least) % (self.size - 4)
        local = local if local <= most else least
        parts = [_slice(page, offset, local)]
        left = length - local
        (following,) = struct.unpack_from(">I", page, offset + local)
        while left > 0:
            page = self.read(following)
            parts.append(page[4 : 4 + left])
            left -= self.size - 4
            (following,) = struct.unpack_from(">I", page)
        return b"".join(parts)

    def _page_size(self) -> int:
        header = self._file.read(_FIRST)
        if len(header) == _FIRST and header.startswith(b"SQLite format 3\0"):
            size = int.from_bytes(header[16:18], "big")
            if size >= 512 and size & (size - 1) == 0:
                return size
        return _DEFAULT_SIZE

    def _committed(self) -> tuple[dict[int, int], int]:
        """Return where in the log the newest committed version of each page is, and how many pages the file has then."""
        log = self._log
        assert log is not None
        header = log.read(_WAL_HEADER)
        if len(header) < _WAL_HEADER:
            return {}, 0
        magic, _, size, _ = struct.unpack_from(">IIII", header)
        order = ">" if magic & 1 else "<"
        sums = _checksum(header[:24], order, (0, 0))
        if magic & ~1 != _WAL_MAGIC or size != self.size or sums != struct.unpack_from(">II", header, 24):
            return {}, 0
        frames: dict[int, int] = {}
        open_frames: dict[int, int] = {}
        pages = 0
        while len(frame := log.read(_FRAME_HEADER + size)) == _FRAME_HEADER + size:
            number, commit = struct.unpack_from(">II", frame)
            sums = _checksum(frame[_FRAME_HEADER:], order, _checksum(frame[:8], order, sums))
            if frame[8:16] != header[16:24] or sums != struct.unpack_from(">II", frame, 16):
                break  # the torn tail, or what is left of an older round
            open_frames[number] = log.tell() - size
            if commit:
                frames.update(open_frames)
                open_frames.clear()
                pages = commit
        return frames, pages


def _checksum(data: bytes, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    for one, two in struct.iter_unpack(f"{order}II", data):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + two + first) & 0xFFFFFFFF
    return first, second


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    value = 0
    for number in range(9):
        byte = data[offset + number]
        if number == 8:
            value = value << 8 | byte
            return value - (1 << 64 if value >= 1 << 63 else 0), offset + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, offset + number + 1
    raise AssertionError("a loop of nine ends at the ninth")


def _slice(data: bytes, offset: int, length: int) -> bytes:
    part = data[offset : offset + length]
    if len(part) != length:
        raise Torn("a row that goes over the end of its page")
    return part


def _values(payload: bytes) -> tuple[Any, ...]:
    """Return the columns of a row."""
    end, offset = _varint(payload, 0)
    if not 0 < end <= len(payload):
        raise Torn("a row without an end")
    values: list[Any] = []
    position = end
    while offset < end:
        code, offset = _varint(payload, offset)
        value, position = _value(payload, code, position)
        values.append(value)
    if position != len(payload):
        raise Torn("a row of the wrong length")
    return tuple(values)


def _value(payload: bytes, code: int, position: int) -> tuple[Any, int]:
    if code in {0, 8, 9}:
        return None if code == 0 else code - 8, position
    if code in _INTEGERS:
        length = _INTEGERS[code]
        return int.from_bytes(_slice(payload, position, length), "big", signed=True), position + length
    if code < 13 or code % 2 == 0:
        raise Torn("neither a number nor text")  # the journal has no other columns
    length = (code - 13) // 2
    return _slice(payload, position, length).decode(), position + length
