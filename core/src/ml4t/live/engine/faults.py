"""Exceptions in other people's code: recorded, counted, and bounded."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from ml4t.live.journal import RecordKind
from ml4t.live.orders.ports import Recorder


class Faults:
    """Counts what strategies, triggers and forecasters raise, and ends the run when one of them raises too much.

    With `on_error = "halt"` the first exception is one too many; with `"continue"` a component may raise `budget` times.
    """

    def __init__(self, record: Recorder, *, halt: bool, budget: int, fail: Callable[[BaseException], None]) -> None:
        self._record = record
        self._budget = 0 if halt else budget
        self._fail = fail
        self.counts: dict[str, int] = {}
        self.halted = ""
        """The component that has ended the run, empty when none has."""

    def report(self, component: str, error: BaseException, **occasion: str) -> int:
        """Record an exception of `component`, and the occasion of it; return how many it has raised."""
        count = self.counts[component] = self.counts.get(component, 0) + 1
        self._record(RecordKind.ERROR, component, describe(error) | {"count": count} | occasion)
        return count

    def report_fatal(self, component: str, error: BaseException) -> bool:
        """Record an exception, and end the run once the component has spent its budget; return True when it has."""
        spent = self.report(component, error) > self._budget
        if spent:
            self._halt(component, error)
        return spent

    def crash(self, component: str, error: BaseException) -> None:
        """Record what is no ordinary exception, and end the run."""
        self.report(component, error)
        self._halt(component, error)

    def _halt(self, component: str, error: BaseException) -> None:
        self.halted = self.halted or component
        self._fail(error)


def describe(error: BaseException) -> dict[str, object]:
    """Return an exception as plain values: type, text and where it came from."""
    return {
        "type": type(error).__name__,
        "message": str(error),
        "traceback": "".join(traceback.format_exception(error, limit=-8)),
    }
