"""The feed: Databento's live gateway, or a recording."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from ml4t.live.clock import Clock, SystemClock
from ml4t.live.contracts import Sink
from ml4t.live.model import MarketEvent
from ml4t_live_databento.clock import ClockCheck
from ml4t_live_databento.config import DatabentoFeedConfig, from_environment
from ml4t_live_databento.gateway import connected
from ml4t_live_databento.history import downloaded, recorded
from ml4t_live_databento.recording import Recording
from ml4t_live_databento.replay import replayed
from ml4t_live_databento.session import Session


class DatabentoFeed:
    """Market data from Databento, live or recorded.

    Made from a configuration, or in code: `DatabentoFeed(symbols=["ESH6"], dataset="GLBX.MDP3")`, with the options of
    `DatabentoFeedConfig`; a key that is not given is that of DATABENTO_API_KEY. A recording moves the clock (`historical`);
    with `start` and `end` it is downloaded when it is first needed.

    Before a recording is played `resume_after` may be set, which leaves out events known by then (nanoseconds UTC), and
    `clock`, which a paced one and a download sleep on.
    Raises RecordingError when the recording cannot be played.
    """

    def __init__(self, config: DatabentoFeedConfig | None = None, **options: Any) -> None:
        self._config = config or DatabentoFeedConfig(**from_environment(options))
        self.symbols = self._config.symbols
        self.historical = self._config.path is not None
        self._recording = recorded(self._config)
        self._downloading = asyncio.Lock()
        self.resume_after: int | None = None
        self.clock: Clock = SystemClock()

    @classmethod
    def from_file(
        cls, path: str | Path, symbols: Iterable[str], *, replay_speed: Literal["max"] | float = "max", **options: Any
    ) -> DatabentoFeed:
        """Return a feed that plays a `.dbn` or `.dbn.zst` file."""
        return cls(path=path, symbols=symbols, speed=replay_speed, **options)

    @classmethod
    def from_live(cls, api_key: str, dataset: str, schema: str, symbols: Iterable[str], **options: Any) -> DatabentoFeed:
        """Return a feed of the live gateway."""
        return cls(api_key=api_key, dataset=dataset, schema=schema, symbols=symbols, **options)

    async def run(self, sink: Sink) -> None:
        """Push events until cancelled, or to the end of the recording.

        Raises FeedDisconnected, and FeedRefused when trying again would not help. Symbols that Databento does not know are
        named in the log and left out; only when it knows none of them it is refused.
        """
        if self.historical:
            await (await self._played()).play(sink, self.clock, self.resume_after)
            return
        clock = ClockCheck()
        session = Session(self._config, self.symbols, alive=sink.alive, told_time=clock.look)
        take = session.translator.take

        def flush() -> None:
            events = take()
            if events:
                sink.push_many(events)

        async with connected(self._config, session.hear, flush) as line:
            line.begin(self.symbols)
            await line.watch()

    async def backfill(self, symbol: str, start: int, end: int) -> Iterable[MarketEvent]:
        """Return the events of `symbol` with start <= event_time < end (nanoseconds UTC), oldest first.

        The gateway replays the last 24 hours; of what is older nothing comes. A recording has what is in it. Raises
        FeedDisconnected and FeedRefused.
        """
        if self.historical:
            return (await self._played()).between(symbol, start, end)
        return await replayed(self._config, symbol, start, end)

    async def _played(self) -> Recording:
        """Return the recording, downloaded the first time that it is asked for."""
        async with self._downloading:
            if self._recording is None:
                self._recording = await downloaded(self._config, self.clock)
        return self._recording


DataBentoFeed = DatabentoFeed
"""The name that earlier programs use."""
