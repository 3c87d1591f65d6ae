"""The contract of an observer: alerts, metrics, dashboards."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from attrs import frozen


@frozen
class RuntimeEvent:
    """Something that happened in the engine and was journalled.

    `kind` is the journal's kind of record (`order`, `fill`, `verdict`, `firing`, `forecast`, ...), `subject` the id or
    symbol it is about, `body` the domain object or a plain dict, `time` nanoseconds UTC.
    """

    time: int
    kind: str
    subject: str
    body: Any


@runtime_checkable
class Observer(Protocol):
    """Watches what the engine records. It is called from a bounded queue and can never hold up trading.

    `kinds` (class attribute, optional) names the kinds it wants; absent: all.
    """

    async def on_event(self, event: RuntimeEvent) -> None:
        """Take note. What it raises is counted and reported, and changes nothing else."""
        ...


@runtime_checkable
class ClosingObserver(Protocol):
    """An observer that has something to finish: a file, a connection."""

    async def close(self) -> None:
        """Finish; called once, when it has been told everything. A run that ends waits a few seconds for it at most."""
        ...
