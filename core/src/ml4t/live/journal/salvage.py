"""What can still be read in a damaged journal, page by page."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from ml4t.live.journal.kinds import RecordKind
from ml4t.live.journal.pages import INDEX_INTERIOR, INDEX_LEAF, Cell, Pages, Torn

Row = tuple[Any, ...]

_TEXT = str
_SHAPES: dict[tuple[type, ...], str] = {
    (_TEXT, _TEXT, _TEXT, int, int, int, _TEXT): "orders",
    (_TEXT, _TEXT, _TEXT, _TEXT, _TEXT, int, _TEXT): "fills",
    (_TEXT, _TEXT, _TEXT, int, int, _TEXT, int, _TEXT, _TEXT): "forecasts",
    (_TEXT, _TEXT, _TEXT, int, int, _TEXT, int, _TEXT, type(None)): "forecasts",
}
_RECORD = (type(None), int, _TEXT, _TEXT, _TEXT)
_SCHEMA = (_TEXT, _TEXT, _TEXT, int, _TEXT)
_FAR = 1_000_000  # a number in an index that is further than this from any record is a garbled one


class Salvage:
    """The rows of a damaged journal; `scan` passes the records on as it finds them and keeps the rest.

    A row is told by its columns, so neither the file's header nor the pages above it are needed. Rows of projections may
    be there twice, where a page was given up: the newest wins.
    """

    def __init__(self, pages: Pages) -> None:
        self.torn = 0
        """Pages and rows that could not be read."""
        self.last_seq = 0
        """The highest number that a record or an index knows of."""
        self.orders: dict[str, Row] = {}
        self.fills: dict[tuple[str, str, str], Row] = {}
        self.forecasts: dict[str, Row] = {}
        self.meta: dict[str, str] = {}
        self.state: dict[tuple[str, str], str] = {}
        self.state_whole = False
        """True when every page of the latest values was read."""
        self._pages = pages
        self._free = pages.free()
        self._root = 0
        self._scanned: dict[tuple[str, str], str] = {}
        self._indexed = 0

    def scan(self, found: Callable[[Row], object]) -> None:
        """Read every page; call `found` with each record. Afterwards the rest is in the attributes."""
        highest = 0
        for number in range(1, self._pages.count + 1):
            before = 0
            for cell in self._cells(number):
                if cell.rowid and tuple(map(type, cell.values)) == _RECORD:
                    if cell.rowid > before and _is_json(cell.values[4]):
                        before = cell.rowid
                        highest = max(highest, cell.rowid)
                        found((cell.rowid, *cell.values[1:]))
                    else:
                        self.torn += 1
                elif number not in self._free:
                    self._keep(cell)
        self.last_seq = max(highest, self._indexed if self._indexed <= highest + _FAR else 0)
        self._read_state()

    def _cells(self, number: int) -> Iterator[Cell]:
        try:
            for cell in self._pages.cells(number):
                if cell is None:
                    self.torn += 1
                else:
                    yield cell
        except (Torn, struct.error):
            self.torn += 1

    def _keep(self, cell: Cell) -> None:
        values = cell.values
        shape = tuple(map(type, values))
        table = _SHAPES.get(shape) if cell.rowid else None
        if table is not None:
            self._keep_row(table, values)
        elif cell.rowid and shape == _SCHEMA and values[:2] == ("table", "state"):
            self._root = values[3]
        elif not cell.rowid and shape == (_TEXT, _TEXT, _TEXT) and _is_json(values[2]):
            self._scanned.setdefault(values[:2], values[2])
        elif not cell.rowid and shape == (_TEXT, _TEXT):
            self.meta[values[0]] = values[1]
        elif not cell.rowid and shape == (_TEXT, int) and values[0] in set(RecordKind):
            self._indexed = max(self._indexed, values[1])

    def _keep_row(self, table: str, row: Row) -> None:
        if not _is_json(row[-1] if table != "forecasts" else row[7]) or not _is_json(row[-1] or "null"):
            self.torn += 1
        elif table == "orders":
            if row[0] not in self.orders or row[5] >= self.orders[row[0]][5]:
                self.orders[row[0]] = row
        elif table == "fills":
            self.fills.setdefault(row[:3], row)
        elif self.forecasts.get(row[0], (None,))[-1] is None:
            self.forecasts[row[0]] = row

    # The latest values: only a walk from the root says that none is missing and none is out of date.

    def _read_state(self) -> None:
        before: list[tuple[str, str]] = [("", "")]
        try:
            if not self._root:
                raise Torn("the table's first page is not known")
            for values in self._walk(self._root, set()):
                if tuple(map(type, values)) != (_TEXT, _TEXT, _TEXT) or not _is_json(values[2]):
                    raise Torn("a row that is none")
                if not _encoded(before[0]) < _encoded(values[:2]):
                    raise Torn("rows that are not in order")
                before[0] = values[:2]
                self.state[before[0]] = values[2]
            self.state_whole = True
        except (Torn, struct.error, RecursionError):
            self.torn += 1
            self.state = {**self._scanned, **self.state}

    def _walk(self, number: int, seen: set[int]) -> Iterator[Row]:
        page = self._pages.read(number)
        kind = self._pages.kind(page, number)
        if number in seen or kind not in {INDEX_LEAF, INDEX_INTERIOR}:
            raise Torn(f"page {number} is not of this table")
        seen.add(number)
        for cell in self._pages.cells(number):
            if cell is None:
                raise Torn(f"a row of page {number}")
            if cell.child:
                yield from self._walk(cell.child, seen)
            yield cell.values
        if kind == INDEX_INTERIOR:
            yield from self._walk(self._pages.last_child(number), seen)


def _encoded(key: tuple[str, str]) -> tuple[bytes, bytes]:
    return key[0].encode(), key[1].encode()


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        return False
    return True
