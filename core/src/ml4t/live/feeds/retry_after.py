"""The `Retry-After` header of HTTP."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from ml4t.live.times import NANOS, to_nanoseconds


def seconds_to_retry(header: str | None, now: int) -> float | None:
    """Return how many seconds from `now` (nanoseconds UTC) a source wants to be left alone (RFC 9110, section 10.2.3).

    None when it does not say, or not so that it can be read.
    """
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = to_nanoseconds(parsedate_to_datetime(header))
    except (ValueError, TypeError):
        return None
    return max(0.0, (moment - now) / NANOS)
