"""One call for everything that happens: into the journal, and on to the observers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ml4t.live.clock import Clock
from ml4t.live.contracts.observer import RuntimeEvent
from ml4t.live.engine.barrier import Barrier
from ml4t.live.journal import Also, Journal, RecordKind, StatePut


class EngineRecorder:
    """Appends to the journal and publishes, from any thread.

    With a `barrier` (recorded data), the next event waits until what must be durable is. With `progress`, every record
    says up to which moment the recorded data were done before it: a crash at any point then resumes at the right one.
    """

    def __init__(
        self,
        journal: Journal,
        publish: Callable[[RuntimeEvent], None] | None,
        clock: Clock,
        barrier: Barrier | None,
    ) -> None:
        self._journal = journal
        self._publish = publish
        self._clock = clock
        self._barrier = barrier
        self.progress: Callable[[], int] | None = None

    def __call__(
        self,
        kind: RecordKind,
        subject: str,
        body: object,
        *,
        state: Sequence[StatePut] = (),
        on_durable: Callable[[], None] | None = None,
        also: Sequence[Also] = (),
    ) -> int:
        """Append a record, in one commit with those of `also`; `on_durable` is called once it is as safe as configured."""
        if on_durable is not None and self._barrier is not None:
            on_durable = self._through(self._barrier, on_durable)
        if self.progress is not None:
            state = (*state, StatePut("progress", "moment", self.progress() or None))
        if self._publish is not None:  # first, because `on_durable` may be called at once and have more to tell
            self._publish(RuntimeEvent(self._clock.now(), kind, subject, body))
            for other in also:
                self._publish(RuntimeEvent(self._clock.now(), *other))
        return self._journal.append(kind, subject, body, state=state, on_durable=on_durable, also=also)

    def _through(self, barrier: Barrier, action: Callable[[], None]) -> Callable[[], None]:
        def done() -> None:
            try:
                action()
            finally:
                barrier.leave()

        barrier.enter()
        return done
