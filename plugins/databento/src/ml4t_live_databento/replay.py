"""The gateway's intraday replay: what was missed in the last 24 hours."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sized
from typing import Any

import structlog

from ml4t.live.errors import FeedDisconnected
from ml4t.live.model import MarketEvent
from ml4t.live.times import NANOS
from ml4t_live_databento.config import DatabentoFeedConfig
from ml4t_live_databento.gateway import connected
from ml4t_live_databento.refusals import ReplayTooOld
from ml4t_live_databento.session import Session

KEPT = (24 * 3_600 - 60) * NANOS
"""How far back the replay goes, less a minute for getting there."""
ALL = 0
"""Asks for everything that the gateway keeps."""
BEGINNING_STAYS = "the beginning of the hole stays"

_log = structlog.get_logger("ml4t.live.databento")


async def replayed(config: DatabentoFeedConfig, symbol: str, start: int, end: int) -> list[MarketEvent]:
    """Return the events of `symbol` with start <= event_time < end, oldest first, over a connection of its own.

    Of what the gateway does not keep nothing comes, and the log says so: it has 24 hours, or less after a weekend. Raises
    FeedDisconnected, and FeedRefused when it is refused.
    """
    first = max(start, time.time_ns() - KEPT)
    if first > start:
        _log.error(f"{BEGINNING_STAYS}: Databento replays 24 hours only", symbol=symbol, seconds=(first - start) / NANOS)
    if first >= end:
        return []
    try:
        return await _replayed(config, symbol, first, start, end)
    except ReplayTooOld as error:
        _log.error(f"{BEGINNING_STAYS}: {error}", symbol=symbol)
        return await _replayed(config, symbol, ALL, start, end)


async def _replayed(config: DatabentoFeedConfig, symbol: str, first: int, start: int, end: int) -> list[MarketEvent]:
    done = asyncio.Event()
    session = Session(config, (symbol,), backfilled=True, caught_up=done.set)
    found: list[MarketEvent] = []

    def collect() -> None:
        for event in session.translator.take():
            if event.event_time >= end:
                done.set()
            elif event.event_time >= start:
                found.append(event)

    async with connected(config, session.hear, collect) as line:
        line.begin((symbol,), first)
        watching = asyncio.ensure_future(line.watch())
        waiting = asyncio.ensure_future(done.wait())
        try:
            await _complete(watching, waiting, found, config.silence_seconds)
        finally:
            watching.cancel()
            waiting.cancel()
            await asyncio.gather(watching, waiting, return_exceptions=True)
    return found


async def _complete(watching: asyncio.Future[None], waiting: asyncio.Future[Any], found: Sized, seconds: float) -> None:
    """Wait for the end of a replay as long as it brings something. Raises what `watching` does, and FeedDisconnected."""
    while True:
        before = len(found)
        await asyncio.wait([watching, waiting], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if waiting.done():
            return
        if watching.done():
            watching.result()
        if len(found) == before:
            raise FeedDisconnected(
                f"Databento's replay has brought nothing for {seconds:g} s, and has not said that it is complete"
            )
