"""When a run was on, held and in trouble."""

from __future__ import annotations

from report_kit import START

from ml4t.live.model import Gap
from ml4t.live.report.sampling import Axis
from ml4t.live.report.timeline import LANES, LaneKind, Timeline, incidents

HOUR = 3_600 * 10**9
AXIS = Axis(START, START + 100 * HOUR, 100)


def at(hour):
    return START + hour * HOUR


def lanes(reader):
    timeline = Timeline(AXIS)
    timeline.read(reader)
    return {each.name: each for each in timeline.lanes()}


def hours(lane):
    return [((start - START) // HOUR, (end - START) // HOUR) for start, end in lane.spans]


def test_runs_gaps_holds_and_troubles_have_lanes(desk):
    switch = {"action": "kill", "scope": "", "on": True, "by": "me", "via": "cli", "reason": "lunch"}
    desk.note(at(0), "run", "r", {"mode": "shadow"})
    desk.note(at(5), "health", "venue", {"state": "unavailable", "why": "maintenance"})
    desk.note(at(8), "health", "venue", {"state": "available", "why": ""})
    desk.note(at(10), "health", "feed main", {"state": "lost", "why": "reset"})
    desk.note(at(12), "gap", "A", Gap("A", at(10), at(12), "disconnect"))
    desk.note(at(20), "kill_switch", "all", switch)
    desk.note(at(29), "kill_switch", "all", switch | {"action": "resume", "on": False})
    desk.note(at(40), "run", "r", {"ended": True, "why": "stopped"})
    desk.note(at(60), "run", "r", {"mode": "shadow"})
    desk.note(at(99), "health", "venue", {"state": "disconnected", "why": ""})
    found = lanes(desk.read())
    assert list(found) == ["run", "kill switch: all orders", "venue", "feed main", "gaps: disconnect"]
    assert hours(found["run"]) == [(0, 41), (60, 100)]
    assert hours(found["kill switch: all orders"]) == [(20, 30)]
    assert hours(found["venue"]) == [(5, 9), (99, 100)]
    assert hours(found["gaps: disconnect"]) == [(10, 13)]
    assert [found[name].kind for name in found] == [LaneKind.RUNNING, LaneKind.HELD, *[LaneKind.TROUBLE] * 3]


def test_a_run_that_was_killed_lasted_until_its_last_record(desk):
    desk.note(at(0), "run", "r", {"mode": "shadow"})
    desk.note(at(10), "health", "feed", {"state": "lost"})
    desk.note(at(50), "run", "r", {"mode": "shadow"})
    desk.note(at(60), "run", "r", {"ended": True, "why": "stopped"})
    assert hours(lanes(desk.read())["run"]) == [(0, 11), (50, 61)]


def test_the_lanes_with_most_trouble_are_drawn(desk):
    desk.note(at(0), "run", "r", {"mode": "shadow"})
    for part in range(30):
        for _ in range(part + 1):
            desk.note(at(part), "health", f"part {part}", {"state": "crashed"})
    found = lanes(desk.read())
    assert len(found) == LANES
    assert list(found)[:3] == ["run", "part 29", "part 28"]


def test_incidents_tell_who_did_what(desk):
    desk.note(at(0), "run", "r", {"mode": "shadow", "strategy": "s:S"})
    body = {"action": "kill", "scope": "symbol:A", "on": True, "by": "me", "via": "cli", "reason": "lunch"}
    desk.note(at(1), "kill_switch", "symbol:A", body)
    desk.note(at(2), "run", "r", {"ended": True, "why": "the data ended"})
    desk.note(
        at(3), "run", "r", {"mode": "shadow", "strategy": "", "changes": ["acme is 2, and was 1", "the host is b, and was a"]}
    )
    assert [each.text for each in incidents(desk.read())] == [
        "began in shadow mode with s:S",
        "kill symbol:A by me (cli): lunch",
        "ended: the data ended",
        "began in shadow mode; not as in the run before: acme is 2, and was 1; the host is b, and was a",
    ]
