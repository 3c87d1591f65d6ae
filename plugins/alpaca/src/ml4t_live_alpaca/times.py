"""Alpaca's times: RFC 3339 text with up to nine decimals, always with an offset."""

from __future__ import annotations

from datetime import UTC, datetime

from ml4t.live.times import NANOS


def from_text(text: str) -> int:
    """Return nanoseconds UTC of `2026-09-18T13:24:50.019952743Z`, exactly. Raises ValueError without an offset."""
    whole, offset = _split_offset(text)
    seconds, _, fraction = whole.partition(".")
    moment = datetime.fromisoformat(seconds + offset)
    return round(moment.timestamp()) * NANOS + int(fraction[:9].ljust(9, "0") or 0)


def to_text(nanoseconds: int) -> str:
    """Return the text of a time in nanoseconds UTC, with nine decimals."""
    seconds, fraction = divmod(nanoseconds, NANOS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"


def _split_offset(text: str) -> tuple[str, str]:
    if text.endswith(("Z", "z")):
        return text[:-1], "+00:00"
    for sign in "+-":
        whole, found, offset = text.rpartition(sign)
        if found and ":" in offset and "T" in whole:
            return whole, sign + offset
    raise ValueError(f"{text!r} names no offset from UTC")
