"""The moments of a session, as they are written."""

from __future__ import annotations

import re

from attrs import frozen

from ml4t.live.times import parse_duration

_PHASE = re.compile(r"(open|close)(?:([+-])(.+))?")


@frozen
class Phase:
    """A moment of every session: its open or its close, and so much later (or, below zero, earlier), in nanoseconds."""

    edge: str
    offset: int


def parse_phase(text: str) -> Phase:
    """Return the phase that `open`, `open+5m` or `close-10m` names. Raises ValueError with an example."""
    found = _PHASE.fullmatch(text.replace(" ", ""))
    if found is None:
        raise ValueError(f"{text!r} is no moment of a session; write open or close, as in 'open+5m' or 'close-10m'")
    edge, sign, length = found.groups()
    offset = parse_duration(length) if length else 0
    return Phase(edge, -offset if sign == "-" else offset)
