"""One call for everything that happens: into the journal, and on to the observers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ml4t.live.clock import Clock
from ml4t.live.contracts.observer import RuntimeEvent
from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.observers import ObserverHub
from ml4t.live.journal import Journal, RecordKind, StatePut


class EngineRecorder:
    """Appends to the journal and publishes.

    With a `barrier` (recorded data), the next event waits until what must be durable is.
    """

    def __init__(self, journal: Journal, hub: ObserverHub, clock: Clock, barrier: Barrier | None) -> None:
        self._journal = journal
        self._publish = hub.publish if hub.queues else None
        self._clock = clock
        self._barrier = barrier

    def __call__(
        self,
        kind: RecordKind,
        subject: str,
        body: object,
        *,
        state: Sequence[StatePut] = (),
        on_durable: Callable[[], None] | None = None,
    ) -> int:
        """Append a record; `on_durable` is called once it is as safe as configured."""
        if on_durable is not None and self._barrier is not None:
            on_durable = self._through(self._barrier, on_durable)
        sequence = self._journal.append(kind, subject, body, state=state, on_durable=on_durable)
        if self._publish is not None:
            self._publish(RuntimeEvent(self._clock.now(), kind, subject, body))
        return sequence

    def _through(self, barrier: Barrier, action: Callable[[], None]) -> Callable[[], None]:
        def done() -> None:
            try:
                action()
            finally:
                barrier.leave()

        barrier.enter()
        return done
