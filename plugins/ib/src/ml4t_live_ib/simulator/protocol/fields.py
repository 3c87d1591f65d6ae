"""Fields of a message: a table names them once, and both directions, text to values and back, follow from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from attrs import frozen

Values = dict[str, Any]
"""The fields of one message by name; None stands for a number that is not set."""

UNSET_DOUBLE = "1.7976931348623157E308"
"""How the protocol writes a number that is not set, where it does not leave the field empty."""

UNSET_INTEGER = "2147483647"


class Item(Protocol):
    """A field, or several that belong together."""

    def put(self, values: Mapping[str, Any], version: int, out: list[str]) -> None:
        """Append the texts for these values."""
        ...

    def take(self, texts: Iterator[str], version: int, values: Values) -> None:
        """Read the texts and set the values."""
        ...


def write(value: Any) -> str:
    """Return a value as the protocol writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        if value == math.inf:
            return "Infinity"  # clients write "Infinite", and cannot read it
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def _float(text: str) -> float | None:
    if text in {"", UNSET_DOUBLE} or text.lower() == UNSET_DOUBLE.lower().replace("e", "e+"):
        return None
    return math.inf if text == "Infinite" else float(text)


def _int(text: str) -> int | None:
    return None if text in {"", UNSET_INTEGER} else int(text)


def _bool(text: str) -> bool:
    return text not in {"", "0", "false"}


_READERS: Mapping[str, Callable[[str], Any]] = {"s": str, "i": _int, "f": _float, "b": _bool}


@frozen
class Field:
    """One field. `default` is the text that is written when there is no value."""

    name: str
    read: Callable[[str], Any]
    default: str = ""

    def put(self, values: Mapping[str, Any], version: int, out: list[str]) -> None:
        """Append the text of the value."""
        value = values.get(self.name)
        out.append(self.default if value is None else write(value))

    def take(self, texts: Iterator[str], version: int, values: Values) -> None:
        """Read one text."""
        values[self.name] = self.read(next(texts))


@frozen
class Constant:
    """A field that says nothing, such as the version of a message: written as it is, and skipped."""

    text: str

    def put(self, values: Mapping[str, Any], version: int, out: list[str]) -> None:
        """Append the text."""
        out.append(self.text)

    def take(self, texts: Iterator[str], version: int, values: Values) -> None:
        """Skip one text."""
        next(texts)


@frozen
class When:
    """Fields that are there only if the fields before them, or the version, say so."""

    is_there: Callable[[Mapping[str, Any], int], bool]
    items: Sequence[Item]

    def put(self, values: Mapping[str, Any], version: int, out: list[str]) -> None:
        """Append the fields if they are there."""
        if self.is_there(values, version):
            put_all(self.items, values, version, out)

    def take(self, texts: Iterator[str], version: int, values: Values) -> None:
        """Read the fields if they are there."""
        if self.is_there(values, version):
            take_all(self.items, texts, version, values)


@frozen
class Each:
    """A count, then that many rows."""

    name: str
    items: Sequence[Item]

    def put(self, values: Mapping[str, Any], version: int, out: list[str]) -> None:
        """Append the count and the rows."""
        rows = values.get(self.name) or ()
        out.append(str(len(rows)))
        for row in rows:
            put_all(self.items, row, version, out)

    def take(self, texts: Iterator[str], version: int, values: Values) -> None:
        """Read the count and the rows."""
        values[self.name] = rows = []
        for _ in range(_int(next(texts)) or 0):
            row: Values = {}
            take_all(self.items, texts, version, row)
            rows.append(row)


@frozen
class Maybe:
    """A flag, then one row if it is set."""

    name: str
    items: Sequence[Item]

    def put(self, values: Mapping[str, Any], version: int, out: list[str]) -> None:
        """Append the flag, and the row if there is one."""
        row = values.get(self.name)
        out.append("0" if row is None else "1")
        if row is not None:
            put_all(self.items, row, version, out)

    def take(self, texts: Iterator[str], version: int, values: Values) -> None:
        """Read the flag, and the row if there is one."""
        values[self.name] = None
        if _bool(next(texts)):
            row: Values = {}
            values[self.name] = row
            take_all(self.items, texts, version, row)


def put_all(items: Sequence[Item], values: Mapping[str, Any], version: int, out: list[str]) -> None:
    """Append the texts of all items."""
    for item in items:
        item.put(values, version, out)


def take_all(items: Sequence[Item], texts: Iterator[str], version: int, values: Values) -> None:
    """Read all items."""
    for item in items:
        item.take(texts, version, values)


def fields(spec: str) -> tuple[Item, ...]:
    """Return the fields that a text lists: `name`, `name:kind`, `name:kind=default`, or `=text` for a constant.

    The kinds are `s` text (if none is given), `i` whole number, `f` number, `b` yes or no.
    """
    return tuple(_field(word) for word in spec.split())


def _field(word: str) -> Item:
    left, _, default = word.partition("=")
    if not left:
        return Constant(default)
    name, _, kind = left.partition(":")
    return Field(name, _READERS[kind or "s"], default)


def since(version: int, spec: str) -> When:
    """Return the fields that this version and later ones have."""
    return When(lambda _, actual: actual >= version, fields(spec))


def before(version: int, spec: str) -> When:
    """Return the fields that only versions before this one have."""
    return When(lambda _, actual: actual < version, fields(spec))


def with_value(name: str, *items: Item) -> When:
    """Return the items that are there if the field of this name is not empty."""
    return When(lambda values, _: bool(values.get(name)), items)
