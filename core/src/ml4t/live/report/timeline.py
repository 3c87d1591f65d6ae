"""When the run was on, when it was held, and when something was wrong: a lane to each part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from attrs import define, frozen

from ml4t.live.journal import Record, RecordKind
from ml4t.live.report.reader import ReportReader
from ml4t.live.report.sampling import Axis, Spots

LANES = 16
"""Lanes that are drawn: the run, the holds, and those with most trouble."""

WELL = frozenset({"connected", "available", "mended", "ok", "warmed up", "empty", "ended"})
"""States of a part that are good news, and end a trouble that lasts."""
LASTING = frozenset({"disconnected", "unavailable", "not reconciled", "degraded", "down"})
"""States of a part that last until good news; all others are troubles of a moment."""


class LaneKind(StrEnum):
    """What a lane tells of."""

    RUNNING = "running"
    HELD = "held"
    TROUBLE = "trouble"


@frozen
class Stretch:
    """A lane of the timeline: `spans` are the times (nanoseconds UTC) for which it says something, widened to a column."""

    name: str
    kind: LaneKind
    count: int
    spans: tuple[tuple[int, int], ...]


@define
class _Lane:
    kind: LaneKind
    spots: Spots
    since: int | None = None


class Timeline:
    """Gathers what happened to the parts of a run."""

    def __init__(self, axis: Axis) -> None:
        self._axis = axis
        self._lanes: dict[str, _Lane] = {}

    def read(self, journal: ReportReader) -> None:
        """Take in the runs, the kill switch, the health of the parts, and the gaps in the data."""
        self._add_runs(journal)
        for record in journal.records(RecordKind.KILL_SWITCH):
            self._add_switch(record)
        for record in journal.records(RecordKind.HEALTH):
            self._add_health(record)
        for record in journal.records(RecordKind.GAP):
            body = record.body
            self._lane(f"gaps: {body['reason']}", LaneKind.TROUBLE).spots.add(body["start"], body["end"])

    def lanes(self) -> tuple[Stretch, ...]:
        """Return the lanes: running, holds, then those with most trouble."""
        for lane in self._lanes.values():
            self._end(lane, self._axis.end)
        order = list(LaneKind)
        found = [
            Stretch(name, lane.kind, lane.spots.count, tuple(lane.spots.spans()))
            for name, lane in self._lanes.items()
            if lane.spots.count
        ]
        return tuple(sorted(found, key=lambda each: (order.index(each.kind), -each.count, each.name))[:LANES])

    def _add_runs(self, journal: ReportReader) -> None:
        lane = self._lane("run", LaneKind.RUNNING)
        for record in journal.runs():
            if record.body.get("ended"):
                self._end(lane, record.time)
                continue
            # A run that was killed has no end of its own: it lasted at least until the last record before the next one.
            self._end(lane, journal.time_before(record.seq))
            lane.since = record.time

    def _add_switch(self, record: Record) -> None:
        scope = record.body.get("scope") or "all orders"
        lane = self._lane(f"kill switch: {scope}", LaneKind.HELD)
        if record.body["on"]:
            lane.since = record.time if lane.since is None else lane.since
        else:
            self._end(lane, record.time)

    def _add_health(self, record: Record) -> None:
        state = str(record.body.get("state", ""))
        lane = self._lane(record.subject, LaneKind.TROUBLE)
        if state in WELL:
            self._end(lane, record.time)
        elif state in LASTING:
            lane.since = record.time if lane.since is None else lane.since
        else:
            lane.spots.add(record.time)

    def _lane(self, name: str, kind: LaneKind) -> _Lane:
        if name not in self._lanes:
            self._lanes[name] = _Lane(kind, Spots(self._axis))
        return self._lanes[name]

    @staticmethod
    def _end(lane: _Lane, at: int) -> None:
        if lane.since is not None:
            lane.spots.add(lane.since, max(lane.since, at))
            lane.since = None


@frozen
class Incident:
    """One thing that happened to a run or its journal."""

    time: int
    what: str
    text: str


def incidents(journal: ReportReader, limit: int = 30) -> list[Incident]:
    """Return the latest starts and ends of runs, kills and re-arms, repairs and rotations, the newest last."""
    found = [each for kind, tell in _TELLING.items() for each in _told(journal, kind, tell, limit)]
    return sorted(found, key=lambda each: each.time)[-limit:]


def _told(journal: ReportReader, kind: RecordKind, tell: Any, limit: int) -> Iterator[Incident]:
    for record in journal.newest(kind, limit=limit):
        yield Incident(record.time, kind.value.replace("_", " "), tell(record.body))


def _run(body: Mapping[str, Any]) -> str:
    if body.get("ended"):
        return f"ended: {body.get('why', '')}"
    text = f"began in {body.get('mode', '')} mode" + (f" with {body['strategy']}" if body.get("strategy") else "")
    return f"{text}; not as in the run before: {'; '.join(body['changes'])}" if body.get("changes") else text


def _switch(body: Mapping[str, Any]) -> str:
    scope = body.get("scope") or "all orders"
    return f"{body.get('action', '')} {scope} by {body.get('by', '')} ({body.get('via', '')}): {body.get('reason', '')}"


def _rotation(body: Mapping[str, Any]) -> str:
    return f"{body.get('records', 0):,} records are in {body.get('archive', '')}"


def _repair(body: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in body.items() if value)


_TELLING = {
    RecordKind.RUN: _run,
    RecordKind.KILL_SWITCH: _switch,
    RecordKind.ROTATION: _rotation,
    RecordKind.REPAIR: _repair,
}
