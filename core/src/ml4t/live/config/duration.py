"""The type of a field that is a length of time."""

from __future__ import annotations

from typing import Annotated

DURATION_MARK = "ml4t.live duration"

Duration = Annotated[int, DURATION_MARK]
"""A length of time in nanoseconds, written `"5m"` or `"1h30m"` in a file. Use it as the type of a config field:
`every: Duration`."""


def is_duration(tp: object) -> bool:
    """Return True when `tp` is `Duration`."""
    return DURATION_MARK in getattr(tp, "__metadata__", ())
