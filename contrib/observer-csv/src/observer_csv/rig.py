"""What the observer is tried with by the conformance kit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory

from ml4t.live.testing import ObserverRig
from observer_csv.config import CsvConfig
from observer_csv.observer import CsvObserver


@asynccontextmanager
async def rig() -> AsyncIterator[ObserverRig]:
    """Yield an observer with a folder of its own; files cannot but answer."""
    with TemporaryDirectory() as folder:
        yield ObserverRig(observer=lambda: CsvObserver(CsvConfig(folder=folder, flush_seconds=0.01)))
