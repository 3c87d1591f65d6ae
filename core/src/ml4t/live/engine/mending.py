"""A journal that the disk refuses: the run is held back, and goes on when the disk accepts again."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from ml4t.live.clock import SystemClock
from ml4t.live.engine.barrier import Barrier
from ml4t.live.engine.core import Core
from ml4t.live.errors import JournalError

MEND_SECONDS = 0.25
"""How often a journal that the disk refused is looked at again."""

_log = structlog.get_logger("ml4t.live")


class Mending:
    """Waits for the disk. Recorded data wait with it, so that nothing is decided that cannot be written."""

    def __init__(self, core: Core, barrier: Barrier) -> None:
        self._core = core
        self._barrier = barrier
        self._refused = asyncio.Event()

    def refused(self, error: Exception) -> None:
        """Send nothing from now on; on the loop's thread."""
        _log.error("the journal cannot be written; nothing is sent until it can", error=str(error))
        if self._refused.is_set():
            return
        self._refused.set()
        self._core.journal_failed(error)
        if self._core.recorded:
            self._barrier.enter()

    async def watch(self) -> None:
        """Let orders out again each time the disk accepts what it refused, until cancelled."""
        core = self._core
        clock = SystemClock() if core.recorded else core.clock
        while True:
            await self._refused.wait()
            while not core.journal.healthy:
                await clock.sleep(MEND_SECONDS)
                with contextlib.suppress(JournalError):
                    await core.journal.durable(core.journal.last_seq)
            _log.warning("the journal can be written again")
            self._refused.clear()
            core.journal_mended()
            if core.recorded:
                self._barrier.leave()
