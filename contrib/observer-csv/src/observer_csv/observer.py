"""The observer: collects rows on the loop, and writes them in a thread."""

from __future__ import annotations

import asyncio

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.contracts import RuntimeEvent
from observer_csv.config import CsvConfig
from observer_csv.files import CsvFile
from observer_csv.rows import COLUMNS, kinds_of, row

MIB = 1024 * 1024
MOST_ROWS = 20_000
"""Rows that may wait for a disk; then the observer waits too, and core drops the oldest of its events and counts them."""

_MACHINE = SystemClock()


class CsvObserver:
    """Writes one CSV file per table: `orders.csv`, `fills.csv`, `forecasts.csv`, `health.csv`.

    Nothing is written on the event loop. Rows wait `flush_seconds` at most; `close` writes what is left. When a disk does not
    take them they are kept and tried again, and the next event raises the OSError, so that it is counted and reported.
    """

    def __init__(self, config: CsvConfig, *, clock: Clock = _MACHINE) -> None:
        self.kinds = kinds_of(config.tables)
        self._config = config
        self._clock = clock
        size = round(config.max_mib * MIB)
        self._files = {
            table: CsvFile(config.folder / f"{table}.csv", COLUMNS[table], max_bytes=size, keep=config.keep)
            for table in config.tables
        }
        self._waiting: dict[str, list[list[str]]] = {table: [] for table in config.tables}
        self._count = 0
        self._flushing: asyncio.Task[None] | None = None

    async def on_event(self, event: RuntimeEvent) -> None:
        """Take a row; waits only while `MOST_ROWS` wait. Raises OSError when what waited could not be written."""
        table, cells = row(event)
        self._waiting[table].append(cells)
        self._count += 1
        before = self._flushing
        if before is None or before.done():
            self._flushing = asyncio.get_running_loop().create_task(self._flush_later(), name="csv files")
            if before is not None:
                before.result()
        elif self._count >= MOST_ROWS:
            await before

    async def close(self) -> None:
        """Write what is left."""
        flushing, self._flushing = self._flushing, None
        if flushing is not None:
            flushing.cancel()
            await asyncio.gather(flushing, return_exceptions=True)
        await self._flush()

    async def _flush_later(self) -> None:
        while self._count:  # more may have come while a thread wrote
            await self._clock.sleep(self._config.flush_seconds)
            await self._flush()

    async def _flush(self) -> None:
        """Write every table. A thread that has begun is waited for, or its rows would be written twice."""
        for table, file in self._files.items():
            rows, self._waiting[table] = self._waiting[table], []
            if not rows:
                continue
            writing = asyncio.ensure_future(asyncio.to_thread(file.append, rows))
            try:
                await asyncio.shield(writing)
            finally:
                await asyncio.wait([writing])
                self._settle(table, rows, writing)

    def _settle(self, table: str, rows: list[list[str]], writing: asyncio.Future[None]) -> None:
        if writing.exception() is None:
            self._count -= len(rows)
        else:
            self._waiting[table] = [*rows, *self._waiting[table]]
