"""Writes the files that people look at, beside the journal that they are taken from."""

from __future__ import annotations

import json
import threading
from typing import Any, NamedTuple

import structlog

from ml4t.live.clock import Clock, DataClock, SystemClock
from ml4t.live.engine.core import Core
from ml4t.live.engine.offload import in_thread
from ml4t.live.export.metrics import performance_metrics
from ml4t.live.export.results import forecast_results
from ml4t.live.export.state import current_state
from ml4t.live.journal import StateDir
from ml4t.live.private_file import write_private
from ml4t.live.report.reader import ReportReader

_log = structlog.get_logger("ml4t.live")


class Looked(NamedTuple):
    """What was found in memory, and the how manieth look it was."""

    number: int
    state: dict[str, Any]
    metrics: dict[str, Any]


class Exporter:
    """Writes `config.json`, `current_state.json`, `performance_metrics.json` and `forecast_results.json` into a run's folder.

    Each file is replaced as a whole, so that whoever reads it never sees half of one, and only its owner may read it. What is
    in memory is looked at on the loop; the journal is read and the disk written on a thread. A disk that refuses is a line in
    the log, and the run goes on.
    """

    def __init__(self, core: Core, folder: StateDir) -> None:
        self._core = core
        self._folder = folder
        # Of real time: recorded data may come faster, and their clock begins with the first of them.
        self._clock: Clock = SystemClock() if isinstance(core.clock, DataClock) else core.clock
        self._started = self._clock.now()
        self._writing = threading.Lock()
        self._asked = 0
        self._written = 0

    async def keep_writing(self, seconds: float) -> None:
        """Write every so often until cancelled."""
        while True:
            await self._clock.sleep(seconds)
            await self.write()

    async def write(self) -> None:
        """Write all of the files now."""
        self._asked += 1
        try:
            looked = Looked(
                self._asked, current_state(self._core), performance_metrics(self._core, self._clock.now() - self._started)
            )
            if self._clock.simulated:  # a thread runs on the machine's time
                self._write(looked)
            else:
                await in_thread("files for people", self._write, looked)
        except Exception:  # noqa: BLE001 - no run ends because of what people read beside it
            _log.error("the files for people cannot be written", folder=str(self._folder.path), exc_info=True)

    def _write(self, looked: Looked) -> None:
        with self._writing:
            if looked.number < self._written:
                return  # a thread that nobody waits for any more, behind the last write of the run
            self._written = looked.number
            for name, content in self._contents(looked).items():
                write_private(self._folder.path / f"{name}.json", as_json(content))

    def _contents(self, looked: Looked) -> dict[str, Any]:
        with ReportReader(self._folder.journal) as journal:
            fired = {row["trigger"]: row["count"] for row in journal.firings()}
            return {
                "config": {**journal.manifest(), "configuration": self._core.parts.document},
                "current_state": looked.state,
                "performance_metrics": {**looked.metrics, "trigger_counts": fired},
                "forecast_results": [result.to_dict() for result in forecast_results(journal)],
            }


def as_json(content: Any) -> str:
    """Return JSON as people read it. Raises ValueError for NaN and infinities, which are none."""
    return json.dumps(content, indent=2, default=str, allow_nan=False) + "\n"
