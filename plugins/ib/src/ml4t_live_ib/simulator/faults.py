"""What goes wrong at the simulated TWS, as told."""

from __future__ import annotations

from attrs import define, field


@define
class Faults:
    """The failures that are switched on. Those that begin with `next_` happen to the next order and are then over."""

    muted: bool = False
    """Connections stay open and nothing is sent."""

    answers_probes: bool = False
    """While muted, reqCurrentTime is answered nevertheless."""

    delay: float = 0.0
    """Seconds by which everything that is sent is late."""

    unanswered: set[str] = field(factory=set)
    """The requests, by name, that get no answer, not even the message that ends one."""

    without_end: set[str] = field(factory=set)
    """The requests, by name, that are answered without the message that ends the answer."""

    shuffled: bool = False
    """Messages about orders overtake each other."""

    duplicated: float = 0.0
    """The chance that a message about an order is sent twice."""

    next_change_refused: tuple[int, str] | None = None
    """Refuse the next modification with this code and text; the order goes on as it was."""

    preset_warning: bool = False
    """Every order gets the warning 10349, which clients may take for a cancellation."""

    next_rejected: str = ""
    """Turn the next order away with 201 for this reason."""

    next_unanswered: bool = False
    """Take the next order, and never tell its connection."""

    next_lost: bool = False
    """Swallow the next order."""

    next_cancel_refused: tuple[int, str] | None = None
    """Refuse the next cancellation with this code and text."""

    next_executed_first: bool = False
    """Execute the next order before anything is said of it."""
