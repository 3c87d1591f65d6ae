"""Recorded frames of the market's websockets, sent again as they are and at their distances in time."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml4t.live.errors import ConfigError
from ml4t_live_crypto.simulator.streams import Streams


class Replay:
    """A file of frames, one JSON object a line: `{"at": 1700000000000, "frame": {...}}` with the time in milliseconds."""

    def __init__(self, path: str, speed: float) -> None:
        try:
            self._lines = Path(path).read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise ConfigError([f"replay: {path} cannot be read: {error.strerror}"]) from None
        self._speed = speed

    async def run(self, streams: Streams) -> None:
        """Send every frame to whoever is subscribed to its stream, from when the first client has subscribed to something."""
        while not streams.pairs:  # noqa: ASYNC110 - it comes from outside
            await asyncio.sleep(0.01)
        first, began = None, time.monotonic()
        for line in self._lines:
            recorded = json.loads(line)
            first = recorded["at"] if first is None else first
            due = began + (recorded["at"] - first) / 1000 / self._speed
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            streams.push(stream_of(recorded["frame"]), recorded["frame"])


def stream_of(frame: Mapping[str, Any]) -> str:
    """Return the name of the stream that a frame comes on; the one of the best bid and ask does not say what it is."""
    kind = frame.get("e", "bookTicker")
    name = f"kline_{frame['k']['i']}" if kind == "kline" else kind
    return f"{frame['s'].lower()}@{name}"
