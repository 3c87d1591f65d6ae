"""The options of the random-walk feed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import and_, ge, gt, in_, le, optional

from ml4t.live.config import Duration
from ml4t.live.times import NANOS


def _strings(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(f'{value!r} is one string where a list is wanted; write ["{value}"]')
    return tuple(value)


def _some(_instance: object, _attribute: Any, value: tuple[str, ...]) -> None:
    if not value:
        raise ValueError('is empty; name at least one symbol, as in symbols = ["AAPL"]')


def _aware(_instance: object, _attribute: Any, value: datetime) -> None:
    if value.tzinfo is None:
        raise ValueError("has no time zone; add one, as in 2026-01-05T14:30:00Z")


@frozen(kw_only=True)
class RandomWalkConfig:
    """Which walks to make, and how they are told."""

    symbols: tuple[str, ...] = field(converter=_strings, validator=_some)
    """The symbols, one independent walk each."""

    seed: int = 0
    """The same seed, symbol and options give the same prices, whatever other symbols there are."""

    kind: Literal["trade", "bar"] = field(default="trade", validator=in_(("trade", "bar")))
    """What is pushed each step: one trade, or one complete bar of the length of a step."""

    start_price: float = field(default=100.0, validator=gt(0))
    """The price that every walk starts from."""

    volatility: float = field(default=0.001, validator=and_(ge(0), le(1)))
    """Standard deviation of the logarithmic return per step: 0.001 is about 0.1 %."""

    start: datetime = field(default=datetime(2026, 1, 5, 14, 30, tzinfo=UTC), validator=_aware)
    """The time of the first event, with its time zone."""

    step: Duration = field(default=60 * NANOS, validator=gt(0))
    """The time from one event of a symbol to the next (nanoseconds)."""

    count: int | None = field(default=1_000, validator=optional(ge(0)))  # type: ignore[arg-type]  # mypy forgets the None
    """How many events each symbol has. None: they never end."""

    historical: bool = True
    """True: the data move the clock, as recorded data do. False: the engine keeps its own time."""
