"""The options that every polling feed has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import field, frozen
from attrs.validators import ge, gt

from ml4t.live.config.duration import Duration
from ml4t.live.times import NANOS


def _strings(value: Iterable[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(f'{value!r} is one string where a list is wanted; write ["{value}"]')
    return tuple(dict.fromkeys(value))


def _some(_instance: object, _attribute: Any, value: tuple[str, ...]) -> None:
    if not value:
        raise ValueError('is empty; name at least one symbol, as in symbols = ["AAPL"]')


@frozen(kw_only=True)
class PollingConfig:
    """What is asked for, how often, and how much of the source's patience may be used. Derive a plugin's config from it."""

    symbols: tuple[str, ...] = field(converter=_strings, validator=_some)
    """The symbols, as the source writes them."""

    every: Duration = field(default=60 * NANOS, validator=gt(0))
    """How often each symbol is asked for, at whole multiples of this time (nanoseconds)."""

    delay: Duration = field(default=5 * NANOS, validator=ge(0))
    """How long after the end of a bar the source still changes it: before that it is not complete (nanoseconds)."""

    incomplete: bool = False
    """Also push the bar that is still running, whenever it has changed, marked as not complete."""

    requests: int = field(default=60, validator=gt(0))
    """How many requests may be made in `per`, for all symbols and the history together."""

    per: Duration = field(default=60 * NANOS, validator=gt(0))
    """The time that `requests` are counted over (nanoseconds)."""

    concurrency: int = field(default=1, validator=gt(0))
    """How many requests may be on their way at once."""

    timeout_seconds: float = field(default=15.0, validator=gt(0))
    """How long one request may take."""

    pause_seconds: float = field(default=60.0, validator=gt(0))
    """The least pause after the source has said that its limit is reached; it doubles, up to an hour."""
