"""Exchanges' times: milliseconds UTC, and where several trades share one."""

from __future__ import annotations

MILLISECOND = 1_000_000


def from_millis(millis: float) -> int:
    """Return nanoseconds UTC."""
    return int(millis) * MILLISECOND


def to_millis(nanoseconds: int) -> int:
    """Return the millisecond that a time in nanoseconds UTC lies in."""
    return nanoseconds // MILLISECOND


def numbered(millis: float, trade_id: str) -> int | None:
    """Return the time of a trade, nanoseconds UTC, with its number below the millisecond; None when its id is no number.

    Many trades share a millisecond, which is all that exchanges say. Numbers count up, so their last six digits keep such
    trades apart and, but where a million is passed within one millisecond, in order; and what was missed can be asked for from
    the very next trade on.
    """
    return int(millis) * MILLISECOND + int(trade_id) % MILLISECOND if trade_id.isdecimal() else None
