"""The first place at which a replay is not the session."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen


@frozen
class Divergence:
    """What the session did and what the replay did, and in which call of the strategy.

    `call` counts the run's calls from 1; `timestamp` is that of its data, empty without; `data` is what the strategy got.
    `what` is a decision, a question, a return, or the journal, when it is the journal that says something else.
    """

    what: str
    session: str
    replay: str
    call: int = 0
    hook: str = ""
    timestamp: str = ""
    data: dict[str, Any] = field(factory=dict)
    before: tuple[str, ...] = ()
    """What the strategy had asked in this call before, the same both times."""
