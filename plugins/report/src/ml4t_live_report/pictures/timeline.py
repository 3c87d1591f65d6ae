"""When the run was on, held, or in trouble."""

from __future__ import annotations

from collections.abc import Sequence

from ml4t.live.report.sampling import Axis
from ml4t.live.report.timeline import LaneKind, Stretch
from ml4t_live_report.canvas import Ink, day_number, short, stacked, tell_time
from ml4t_live_report.picture import Key, Picture

TITLE = "Timeline"
LANE = 0.27
"""Inches that one lane takes."""
INKS = {LaneKind.RUNNING: Ink.RUNNING, LaneKind.HELD: Ink.HELD, LaneKind.TROUBLE: Ink.TROUBLE}
WORDS = {LaneKind.RUNNING: "the run was on", LaneKind.HELD: "orders were held back", LaneKind.TROUBLE: "trouble"}


def timeline_picture(lanes: Sequence[Stretch], axis: Axis) -> Picture:
    """Return the picture."""
    if not lanes:
        return Picture(TITLE, "The journal tells of no run.")
    canvas = stacked(0.5 + LANE * len(lanes))
    panel = canvas.panels[0]
    for place, lane in enumerate(lanes):
        spans = [(day_number(start), day_number(end) - day_number(start)) for start, end in lane.spans]
        panel.broken_barh(spans, (place - 0.32, 0.64), color=INKS[lane.kind], linewidth=0)
    panel.set_yticks(range(len(lanes)), [short(lane.name) for lane in lanes])
    panel.set_ylim(len(lanes) - 0.5, -0.5)
    panel.grid(visible=False, axis="y")
    tell_time(panel, axis.start, axis.end)
    caption = f"What lasted less than a column ({axis.count} in all) is drawn as wide as one. Times are UTC."
    kinds = dict.fromkeys(lane.kind for lane in lanes)
    key = tuple(Key("▮", INKS[kind], WORDS[kind]) for kind in kinds)
    says = "; ".join(f"{lane.name}: {lane.kind.value}, {lane.count:,} times" for lane in lanes)
    return Picture(TITLE, caption, canvas.finish(f"Timeline. {says}.", "timeline"), key)
