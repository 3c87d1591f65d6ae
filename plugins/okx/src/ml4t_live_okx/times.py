"""OKX's times: milliseconds UTC as text, and where several trades share one."""

from __future__ import annotations

MILLISECOND = 1_000_000


def from_millis(text: str | int) -> int:
    """Return nanoseconds UTC."""
    return int(text) * MILLISECOND


def to_millis(nanoseconds: int) -> str:
    """Return the millisecond that a time in nanoseconds UTC lies in, as text."""
    return str(nanoseconds // MILLISECOND)


def trade_time(millis: str | int, trade_id: str | int) -> int:
    """Return the time of a trade, nanoseconds UTC, with the trade's number below the millisecond.

    Many trades share a millisecond, which is all that OKX says. Trade ids of an instrument count up, so their last six digits
    keep such trades apart and, but where a million is passed within one millisecond, in order; and what was missed can be asked
    for from the very next trade on.
    """
    return int(millis) * MILLISECOND + int(trade_id) % MILLISECOND
