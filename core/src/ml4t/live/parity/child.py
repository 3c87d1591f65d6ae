"""The process that replays one run: `python -m ml4t.live.parity.child`, with a request on its standard input.

Every run began in a process that knew nothing, and so does its replay: what a module keeps from one run to the next is no part
of the session.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from ml4t.live.config.class_path import check_options
from ml4t.live.config.decode import with_secrets
from ml4t.live.config.problem import problems_of
from ml4t.live.config.secret import SecretSource
from ml4t.live.config.strategy import StrategySource, code_of, load_strategy
from ml4t.live.contracts.broker import OrderUpdate
from ml4t.live.errors import LiveError
from ml4t.live.hosting import hosted
from ml4t.live.model import Fill
from ml4t.live.parity.evidence import Evidence
from ml4t.live.parity.replay import Replay
from ml4t.live.parity.request import Answer, Request
from ml4t.live.report.whole import WholeReader
from ml4t.live.shadow.memory import BringsVenue
from ml4t.live.tape import TapeReader


def answer(request: Request) -> Answer:
    """Replay a run."""
    try:
        made = made_strategy(request.strategy)
    except Exception as error:  # noqa: BLE001 - whatever a constructor raises, it is said to who asked
        why = "; ".join(problem.text for problem in problems_of(error, ()))
        return Answer(problem=f"the strategy {request.strategy.reference} cannot be made: {why}")
    then = request.strategy.code
    changed = bool(then) and then != code_of(type(made))
    try:
        with WholeReader(Path(request.journal)) as journal, TapeReader(Path(request.tape)) as tape:
            evidence = Evidence(journal, request.name, request.first, request.last)
            strategy = hosted(made, table=request.strategy.host, folder=Path(request.strategy.folder))
            if isinstance(strategy, BringsVenue) and str((tape.run or {}).get("mode", "")).startswith("shadow"):
                strategy.shadow_venue(Nobody())
            return Answer(Replay(tape, strategy, evidence).run(), changed=changed)
    except (LiveError, ValueError) as error:
        return Answer(problem=str(error))


class Nobody:
    """Whom the venue of a strategy tells in a replay: what it says is in the session's answers."""

    def order(self, update: OrderUpdate) -> None:
        """Take a change of an order."""

    def fill(self, fill: Fill) -> None:
        """Take an execution."""


def made_strategy(source: StrategySource) -> Any:
    """Return a strategy as its source says; references in its options are looked up as they were then."""
    folder = Path(source.folder)
    target = load_strategy(source.reference, folder)
    if source.options is None:
        check_options(target, {}, "what this replay knows of its arguments (none: a program made it); name them with --option")
        return target()
    return target(**with_secrets(source.options, SecretSource(os.environ, folder)))


def main() -> None:
    """Answer one request."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what the strategy prints is no answer
        sys.path[:] = request.import_path
        answers.write(msgspec.json.encode(answer(request), enc_hook=str))


if __name__ == "__main__":
    main()
