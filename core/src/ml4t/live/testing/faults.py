"""What goes wrong at a simulated venue."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Faults:
    """How often, from 0 to 1 per request, and how long, in seconds, things go wrong."""

    latency_seconds: float = 0.02
    reject: float = 0.0
    lose_acknowledgement: float = 0.0
    duplicate_fill: float = 0.0
    partial_fill: float = 0.0
    late_request: float = 0.0
    """The request arrives `late_seconds` later, long after the engine's time-out."""
    late_seconds: float = 20.0
    lose_request: float = 0.0
    """The request never arrives, and nobody says so."""
    reorder: float = 0.0
    """A message about an order arrives after later ones."""
    snapshot_lag_seconds: float = 0.0
    """How far behind a snapshot may be: it shows the books as they were up to so long ago."""
    rollback_ids: bool = False
    """The venue gives the same venue order ids again after every connect, as one does that was restored from a backup."""
    line_seconds: float | None = None
    """How long the line lasts on average; None: for ever."""
    lose_message: float = 0.0
    """A message about an order is lost on a line that stays up: only a snapshot shows what it said."""
    rest_seconds: float = 0.0
    """How long an order works on average before each of its trades, so that a cancel can come first."""
    throttle: float = 0.0
    """The venue turns a new order away unread: too many requests."""
    refuse_cancel: float = 0.0
    """The venue will not cancel an order that works."""
    no_answer: float = 0.0
    """A look-up or a snapshot ends with a lost line instead of an answer."""
