"""What passes between a session's replay and the processes that replay its runs."""

from __future__ import annotations

import attrs

from ml4t.live.config.strategy import StrategySource
from ml4t.live.parity.replay import RunReplay


@attrs.frozen
class Request:
    """What to replay: a tape, with a strategy made like this, against the records of a journal in between."""

    tape: str
    journal: str
    strategy: StrategySource
    name: str
    """What the journal calls the strategy."""
    first: int
    last: int
    import_path: list[str] = attrs.field(factory=list)


@attrs.frozen
class Answer:
    """What came of it, or why nothing did; `changed` says that the strategy's file is not the one of then."""

    result: RunReplay | None = None
    problem: str = ""
    changed: bool = False
