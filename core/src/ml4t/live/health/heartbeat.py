"""The heartbeat file: what a run says of itself every few seconds, for whoever watches from outside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from ml4t.live.health.condition import Condition, Level
from ml4t.live.private_file import write_private
from ml4t.live.times import NANOS

MISSED = 4
"""Heartbeats that may be missing before the file is stale."""

ENDED = frozenset({"stopped", "failed"})


class Part(msgspec.Struct, frozen=True):
    """One part of the run; see `Condition`."""

    part: str
    state: Level
    why: str
    since: int
    numbers: dict[str, float]


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says. `time` is in nanoseconds UTC, `every` the seconds between two heartbeats."""

    name: str
    mode: str
    pid: int
    state: str
    """starting, connecting, connected, running, stopping, stopped or failed."""
    level: Level
    why: str = ""
    """What ended a run that failed, or keeps one from being well."""
    time: int
    every: float
    parts: list[Part] = []

    @property
    def ended(self) -> bool:
        """True when the run has said that it is over."""
        return self.state in ENDED

    def age(self, now: int) -> float:
        """Return how many seconds old it is at `now`; a time to come is no age."""
        return max(0.0, (now - self.time) / NANOS)

    def is_stale(self, now: int) -> bool:
        """True when a run that goes on would have written it again."""
        return not self.ended and self.age(now) > MISSED * self.every


def parts_of(conditions: Sequence[Condition]) -> list[Part]:
    """Return conditions as the file has them."""
    return [Part(each.part, each.level, each.why, each.since, dict(each.numbers)) for each in conditions]


def write_heartbeat(path: Path, beat: Heartbeat) -> None:
    """Replace the file, whole or not at all. It is not synced: after a loss of power there is no run that it could tell of.

    Raises OSError.
    """
    write_private(path, msgspec.json.format(msgspec.json.encode(beat), indent=1).decode(), durable=False)


def read_heartbeat(path: Path) -> Heartbeat | None:
    """Return what the file says, None when there is none or it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Heartbeat)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def verdict(beat: Heartbeat | None, pid: int | None, now: int) -> tuple[Level, str]:
    """Return how the run is, in a level and in words, from its last heartbeat and the process that holds its folder now.

    A run without a heartbeat is believed to be well: it has just begun, or nobody ever ran. One that has ended in order is
    well, too.
    """
    if beat is None:
        return Level.OK, "running" if pid else "not running"
    if beat.state == "failed" and pid is None:
        return Level.DOWN, f"the run failed: {beat.why}"
    if beat.ended:
        return Level.OK, "it has just begun" if pid else "stopped"
    if pid is None:
        return Level.DOWN, f"process {beat.pid} has ended without saying so; see the log, and start the run again"
    if beat.is_stale(now):
        return Level.DOWN, f"process {pid} has not been heard of for {beat.age(now):.0f} s; see docs/operations.md"
    return beat.level, beat.why or beat.state
