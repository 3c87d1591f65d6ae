"""The options of the observer."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import deep_iterable, ge, gt, in_

Table = Literal["orders", "fills", "forecasts", "health"]
TABLES = ("orders", "fills", "forecasts", "health")


def _strings(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(f'{value!r} is one string where a list is wanted; write ["{value}"]')
    return tuple(dict.fromkeys(value))


def _some(_instance: object, _attribute: Any, value: tuple[str, ...]) -> None:
    if not value:
        raise ValueError('is empty; name at least one table, as in tables = ["fills"]')


@frozen(kw_only=True)
class CsvConfig:
    """Which files to write, and where."""

    folder: Path = field(converter=Path)
    """Where the files are. It is made when it is not there; one run at a time writes to it."""

    tables: tuple[Table, ...] = field(
        default=TABLES,
        converter=_strings,
        validator=[_some, deep_iterable(in_(TABLES))],
    )
    """Which files to write: orders, fills, forecasts (and what became of them), health."""

    flush_seconds: float = field(default=1.0, validator=gt(0))
    """How long a row may wait for its file."""

    max_mib: float = field(default=64.0, validator=gt(0))
    """A file that has grown to this (MiB) is put aside under a number, 1 being the newest."""

    keep: int = field(default=10, validator=ge(1))
    """How many files that were put aside are kept, per table."""
