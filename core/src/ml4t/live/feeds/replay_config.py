"""The settings of the replay feed. Imports nothing that reads a file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from attrs import Attribute, field, frozen
from attrs.validators import in_

from ml4t.live.config import Duration


def _names(symbols: Iterable[str]) -> tuple[str, ...]:
    if isinstance(symbols, str):
        raise ValueError(f'symbols = {symbols!r} is one word; write ["{symbols}"]')  # noqa: TRY004 - as the other problems
    return tuple(dict.fromkeys(symbols))


def _speed(_: object, attribute: Attribute[Any], value: float | str) -> None:
    if value != "max" and (isinstance(value, str) or not 0 < value < math.inf):
        raise ValueError(f'{attribute.name} = {value!r}: write "max" or a number above zero; 1.0 is real time')


def _interval(_: object, attribute: Attribute[Any], value: int | None) -> None:
    if value is not None and value <= 0:
        raise ValueError(f"{attribute.name} = {value}: a bar lasts longer than that; leave it out to have it found out")


def _timezone(_: object, attribute: Attribute[Any], value: str) -> None:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f'{attribute.name} = {value!r} is no time zone that this machine knows; write one such as "America/New_York"'
        ) from None


@frozen(kw_only=True)
class ReplayConfig:
    """What to replay, and how fast."""

    path: Path = field(converter=Path)
    """The file: `.csv`, `.jsonl` or `.ndjson` (each also with `.gz`), or `.parquet`; relative to the configuration file."""

    symbols: tuple[str, ...] = field(default=(), converter=_names)
    """The symbols to replay; empty for all that are in the file. A file without a column of symbols needs exactly one."""

    kind: Literal["auto", "bar", "trade"] = field(default="auto", validator=in_(("auto", "bar", "trade")))
    """What a row is: `"bar"`, `"trade"`, or `"auto"` to see it from the columns."""

    speed: Literal["max"] | float = field(default="max", validator=_speed)
    """`"max"`, or how many seconds of data go by in one second: 1.0 is real time, 60 a minute a second."""

    start: str | date | datetime | None = None
    """Replay from this ISO date or date and time on; the earlier rows are there for warming up."""

    end: str | date | datetime | None = None
    """Stop before this ISO date and time. A date alone is still replayed itself, to its end."""

    interval: Duration | None = field(default=None, validator=_interval)
    """The length of a bar, such as `"1d"`; left out, the most common distance between two bars of a symbol."""

    timezone: str = field(default="UTC", validator=_timezone)
    """The zone of times that are written without one, and of the days in `start` and `end`."""

    columns: Mapping[str, str] = field(factory=dict)
    """Columns under names of their own: `{ Ticker = "symbol", Px = "price" }`. Common names are found without it."""

    adjust: bool = False
    """Scale prices by adjusted close / close, and volumes the other way, so that a split does not look like a crash."""

    on_bad_row: Literal["error", "skip"] = field(default="error", validator=in_(("error", "skip")))
    """`"error"` stops before anything is replayed and names the first bad rows; `"skip"` leaves them out and counts them."""

    progress: bool | None = None
    """Show a progress bar on standard error; left out, only when that is a terminal."""

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield what keeps the file from being opened."""
        from ml4t.live.feeds.problem import RecordingError  # noqa: PLC0415 - listing the plugins does without
        from ml4t.live.feeds.tables import format_of  # noqa: PLC0415 - as above

        try:
            format_of(self.path)
        except RecordingError as error:
            yield "path", str(error)
